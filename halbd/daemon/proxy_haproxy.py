"""HAProxy: one process for its life, a new worker for each reload, servers changed over its admin socket."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from halbd.decide.change import Change, ServerChange
from halbd.model.config import Config, LogLevel
from halbd.model.effects import CutConnections
from halbd.model.errors import HalbdError
from halbd.model.evidence import ProxyView
from halbd.model.paths import Paths
from halbd.render.haproxy import add_server, set_weight
from halbd.system import haproxy
from halbd.system.programs import low_port_capabilities, proxy_account, proxy_binary

PATIENCE = 1.0
"""Seconds for one answer."""
PAUSE = 0.05
"""Seconds between two questions."""
SERIOUS = ("[ALERT]", "[WARNING]")


class Haproxy:
    """See `halbd.daemon.proxy.Proxy`."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def command(self, config: Config) -> list[str]:
        """In master-worker mode, without privileges but for ports below 1024.

        It keeps a socket of its own that is there until it listens itself, by link(2). One of another account, such as
        the Envoy of before, it may not link (protected_hardlinks, proc_sys_fs(5)), and would end at every start.
        """
        for one in (self._paths.admin_socket, self._paths.master_socket):
            one.unlink(missing_ok=True)
        haproxy.forget_servers(self._paths)
        capabilities = low_port_capabilities(config)
        return haproxy.command(proxy_binary(config.proxy), self._paths, proxy_account(config.proxy), capabilities)

    async def serves(self, config: Config) -> None:
        """Once it has all its sockets; it ends where it cannot have them."""
        while True:
            with contextlib.suppress(OSError):
                await self.view(config, PATIENCE)
                return
            await asyncio.sleep(PAUSE)

    async def view(self, config: Config, within: float) -> ProxyView:  # noqa: ARG002  # it names every backend itself
        """By `show stat`."""
        return await haproxy.view(self._paths, within)

    async def take_up(self, change: Change) -> None:
        """Change servers in the running proxy; what it refuses, and all else, by a reload."""
        reload = change.proxy_reload
        try:
            await haproxy.command_all(self._paths, [c for one in change.servers for c in _commands(one)])
        except HalbdError as error:
            self._log.warning("proxy.reloaded_instead", why=str(error))
            reload = True
        if reload:
            await self.reload()

    async def reload(self) -> None:
        """A new worker on the files in force."""
        await haproxy.reload(self._paths)

    async def complaint(self) -> str:
        """It reads no file by itself."""
        return ""

    async def cut_connections(self, server: CutConnections, pid: int | None) -> None:  # noqa: ARG002  # as the protocol has it
        """By `shutdown sessions server`."""
        await haproxy.cut_connections(self._paths, server.frontend, server.server)

    def step_aside(self, pid: int) -> None:  # noqa: ARG002  # as the protocol has it
        """It needs no second: a reload makes the master execute its program anew."""
        raise HalbdError("cannot hand over from one haproxy to another")

    def step_back(self, pid: int) -> None:
        """There is nothing to undo."""

    def stepped_aside(self, pid: int) -> bool:  # noqa: ARG002  # as above
        """None ever has."""
        return False

    async def retire(self, pid: int) -> None:
        """None ever has to."""

    def forget(self, pid: int) -> None:
        """Nothing: none ever makes room."""

    def mute(self) -> bool:
        """By the master's socket, which stands in for the admin socket."""
        return not self._paths.master_socket.exists()

    async def speak(self, pid: int) -> None:
        """By a reload, that the master is told by a signal."""
        await haproxy.reload_by_signal(self._paths, pid)

    def level(self, line: str) -> LogLevel:
        """By the word in brackets."""
        return LogLevel.WARNING if any(word in line for word in SERIOUS) else LogLevel.INFO


def _commands(change: ServerChange) -> tuple[str, ...]:
    words = add_server if change.new else set_weight
    return words(change.frontend, change.server)
