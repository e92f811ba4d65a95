"""What halbd asks of a proxy, whichever it is."""

from __future__ import annotations

from typing import Protocol

from halbd.daemon.proxy_envoy import Envoy
from halbd.daemon.proxy_haproxy import Haproxy
from halbd.decide.change import Change
from halbd.model.config import Config, LogLevel, ProxyKind
from halbd.model.effects import CutConnections
from halbd.model.evidence import ProxyView
from halbd.model.paths import Paths
from halbd.render.envoy import BOOTSTRAP


class Proxy(Protocol):
    """One proxy's own ways; the process itself is the business of Children."""

    def command(self, config: Config) -> list[str]:
        """The command line, with all that it needs in place. Raises HalbdError, OSError."""

    async def serves(self, config: Config) -> None:
        """Return once a process that was just started serves. Raises HalbdError where it runs and never will."""

    async def view(self, config: Config, within: float) -> ProxyView:
        """Every frontend and its servers, asked on the admin socket. Raises OSError; `within` is in seconds."""

    async def take_up(self, change: Change) -> None:
        """Have the running proxy serve what is in force now, in the smallest way. Raises HalbdError."""

    async def reload(self) -> None:
        """Have it serve what is in force now, whatever it served before. Raises HalbdError."""

    async def complaint(self) -> str:
        """Why it refuses the files in force, in its words, where it has read them since the last change and does."""

    async def cut_connections(self, server: CutConnections, pid: int | None) -> None:
        """End every connection of the proxy, whose process `pid` is, to a server that is down. Raises HalbdError."""

    def step_aside(self, pid: int) -> None:
        """Make room for a second process beside the one that runs. Raises HalbdError where there can be no second."""

    def step_back(self, pid: int) -> None:
        """Undo that, where it was done."""

    def stepped_aside(self, pid: int) -> bool:
        """Whether that process has made room for another."""

    async def retire(self, pid: int) -> None:
        """Have one that made room accept nothing more; return once its last connection has ended."""

    def forget(self, pid: int) -> None:
        """Remove what one that made room, and is gone, has left."""

    def mute(self) -> bool:
        """Somebody has removed its sockets: it cannot be asked, or told, anything, or not for long. Raises OSError."""

    async def speak(self, pid: int) -> None:
        """See that it can be asked again. Raises HalbdError, also where it cannot."""

    def level(self, line: str) -> LogLevel:
        """How serious a line of its output is."""


FILES = {ProxyKind.HAPROXY: "haproxy.cfg", ProxyKind.ENVOY: BOOTSTRAP}
"""What each is given on its command line, in the folder of the generation in force."""


def proxy(config: Config, paths: Paths) -> Proxy:
    """The one that the config names."""
    match config.proxy.kind:
        case ProxyKind.HAPROXY:
            return Haproxy(paths)
        case ProxyKind.ENVOY:
            return Envoy(paths)
