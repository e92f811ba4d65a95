"""What halbd asks of a proxy, whichever it is."""

from __future__ import annotations

from typing import Protocol

from halbd.daemon.proxy_haproxy import Haproxy
from halbd.decide.change import Change
from halbd.model.config import Config, ProxyKind
from halbd.model.errors import HalbdError
from halbd.model.evidence import ProxyView
from halbd.model.paths import Paths


class Proxy(Protocol):
    """One proxy's own ways; the process itself is the business of Children."""

    def command(self, config: Config) -> list[str]:
        """The command line, with all that it needs in place. Raises HalbdError, OSError."""

    async def view(self, within: float) -> ProxyView:
        """Every frontend and its servers, asked on the admin socket. Raises OSError; `within` is in seconds."""

    async def take_up(self, change: Change) -> None:
        """Have the running proxy serve what is in force now, in the smallest way. Raises HalbdError."""

    async def reload(self) -> None:
        """Have it serve what is in force now, whatever it served before. Raises HalbdError."""

    async def cut_connections(self, frontend: str, server: str) -> None:
        """End every connection to a server that is down. Raises HalbdError."""


def proxy(config: Config, paths: Paths) -> Proxy:
    """The one that the config names. Raises HalbdError."""
    match config.proxy.kind:
        case ProxyKind.HAPROXY:
            return Haproxy(paths)
        case ProxyKind.ENVOY:
            raise HalbdError("cannot run envoy: it is not yet available in this version")
