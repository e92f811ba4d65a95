"""What must happen under the changer's lock to have everything that halbd runs find its files and sockets again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from halbd.daemon import generation
from halbd.daemon.changer import Changer
from halbd.daemon.children import Children
from halbd.daemon.proxy import Proxy
from halbd.model.child import Program
from halbd.model.config import ProxyKind
from halbd.model.errors import HalbdError
from halbd.model.events import Event, ProxyMute
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system import files
from halbd.system.files import Held

REST = 10.0
"""Seconds after a hand-over that failed until the next one: as long as one may take (DEADLINE in proxy_envoy.py)."""


class Restorer:
    """Hands for the upkeep."""

    def __init__(
        self,
        paths: Paths,
        changer: Changer,
        children: Children,
        proxy: Proxy,
        post: Callable[[Event], None],
        state: Callable[[], State],
    ) -> None:
        self._paths, self._changer, self._children, self._proxy = paths, changer, children, proxy
        self._post, self._state = post, state
        self._watched = Held(paths.state)
        self._resting = 0.0
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def generation(self) -> None:
        """Put the generation in force back, where it is missing. Raises HalbdError, OSError."""
        if await asyncio.to_thread(self._whole) and not self._deaf():
            return
        async with self._changer.lock:
            if not await asyncio.to_thread(self._whole):
                files.folder(self._paths.state)
                await asyncio.to_thread(generation.put_back, self._paths, self._changer.in_force, self._state().marked)
                self._log.error("folder.put_back", folder=str(self._paths.state))
            if self._deaf():
                await self._follow()

    def _deaf(self) -> bool:
        """The state folder is another one, and what is to be done about that need not wait."""
        return time.monotonic() >= self._resting and self._watched.replaced

    async def _follow(self) -> None:
        """Envoy watched the folder that is gone, and no change would reach it: another one takes its place."""
        state = self._state()
        if state.config.proxy.kind is ProxyKind.ENVOY and state.proxy.running:
            await self._hand_over(state)
        self._watched.follow()

    async def _hand_over(self, state: State) -> None:
        """At once, but after a failure only when some time has passed. Raises HalbdError, OSError."""
        if time.monotonic() < self._resting:
            return
        try:
            await self._children.hand_over(state.config)
        except (HalbdError, OSError):
            self._resting = time.monotonic() + REST
            raise

    def _whole(self) -> bool:
        return generation.whole(self._paths, self._changer.in_force)

    async def proxy_sockets(self) -> None:
        """Have a proxy whose sockets were removed make new ones; Envoy, by making room for another one.

        Raises:
            FailedError: it cannot without being started anew, and this node holds a VIP: then it serves on without.
            HalbdError, OSError: it cannot.
        """
        async with self._changer.lock:
            state = self._state()
            if not (state.proxy.running and state.proxy.pid and self._proxy.mute()):
                return
            is_envoy = state.config.proxy.kind is ProxyKind.ENVOY
            try:
                await self._proxy.speak(state.proxy.pid)
            except HalbdError as error:
                if not is_envoy or state.held:
                    self._post(ProxyMute(str(error)))
                    raise
                self._children.end(Program.PROXY, "ended, because its admin socket was removed")
                return
            if is_envoy:
                await self._hand_over(state)
