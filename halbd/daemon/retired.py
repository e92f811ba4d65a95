"""Proxies that were handed over from: they accept nothing more, and live until their last connection has ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from signal import SIGKILL
from typing import Any

import structlog

from halbd.daemon.proxy import Proxy
from halbd.system import process
from halbd.system.process import Identity

LONGEST = 86400.0
"""Seconds that one is left to its connections; a watch on an API server has ended by then."""


class Retired:
    """Sees each of them off."""

    def __init__(
        self,
        program: Proxy,
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._program, self._begin, self._log = program, begin, log
        self._those: dict[Identity, asyncio.Task[None]] = {}

    def add(self, who: Identity) -> None:
        """Leave it to its connections."""
        self._those[who] = self._begin(self._see_off(who))

    def finish(self) -> None:
        """The daemon is being stopped: end them, whatever they still carry."""
        for who, task in list(self._those.items()):
            task.cancel()
            self._end(who)

    async def _see_off(self, who: Identity) -> None:
        """Cancelled, it leaves the process alone: a daemon that fails takes no connection with it."""
        self._log.info("proxy.retiring", pid=who.pid)
        waiting = (asyncio.ensure_future(self._program.retire(who.pid)), asyncio.ensure_future(_ended(who)))
        try:
            await asyncio.wait(waiting, timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        self._end(who)

    def _end(self, who: Identity) -> None:
        del self._those[who]
        process.send(who, SIGKILL)
        self._program.forget(who.pid)
        self._log.info("proxy.retired", pid=who.pid)


async def _ended(who: Identity) -> None:
    with contextlib.suppress(ProcessLookupError):  # it was gone before it could be watched
        await process.ended(who)
