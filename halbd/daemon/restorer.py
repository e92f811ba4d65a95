"""What must happen under the changer's lock to have everything that halbd runs find its files and sockets again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from halbd.daemon import generation
from halbd.daemon.changer import Changer
from halbd.daemon.children import Children
from halbd.daemon.proxy import Proxy
from halbd.model.child import Program
from halbd.model.config import ProxyKind
from halbd.model.errors import FailedError
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system import files
from halbd.system.files import Folder


class Restorer:
    """Hands for the upkeep."""

    def __init__(
        self, paths: Paths, changer: Changer, children: Children, proxy: Proxy, state: Callable[[], State]
    ) -> None:
        self._paths, self._changer, self._children, self._proxy, self._state = paths, changer, children, proxy, state
        self._watched = Folder(paths.state)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def generation(self) -> None:
        """Put the generation in force back, where it is missing. Raises HalbdError, OSError."""
        if await asyncio.to_thread(self._whole):
            return
        async with self._changer.lock:
            if await asyncio.to_thread(self._whole):
                return
            files.folder(self._paths.state)
            await asyncio.to_thread(generation.put_back, self._paths, self._changer.in_force, self._state().marked)
            self._log.error("folder.put_back", folder=str(self._paths.state))
            await self._follow()

    async def _follow(self) -> None:
        """Envoy watched the folder that is gone, and no change would reach it: another one takes its place."""
        state = self._state()
        if not self._watched.replaced:
            return
        if state.config.proxy.kind is ProxyKind.ENVOY and state.proxy.running:
            await self._children.hand_over(state.config)
        self._watched.follow()

    def _whole(self) -> bool:
        return generation.whole(self._paths, self._changer.in_force)

    async def proxy_sockets(self) -> None:
        """Have a proxy whose sockets were removed make new ones.

        Raises:
            FailedError: it cannot without being started anew, and this node holds a VIP: then it serves on without.
            HalbdError, OSError: it cannot.
        """
        async with self._changer.lock:
            state = self._state()
            if not (state.proxy.running and state.proxy.pid and self._proxy.mute()):
                return
            self._children.make_proxy_folder(state.config)
            if state.config.proxy.kind is ProxyKind.HAPROXY:
                await self._proxy.speak(state.proxy.pid)
            elif not state.held:
                self._children.end(Program.PROXY, "ended, because its admin socket was removed")
            else:
                raise FailedError(
                    "envoy's admin socket was removed, and only another envoy can make it again: it serves on without, "
                    "and is started anew as soon as this node holds no VIP"
                )
