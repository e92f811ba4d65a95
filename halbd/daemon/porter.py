"""Has new connections wait while the VIPs change nodes; where the kernel does not allow it, they do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from halbd.model.effects import LetIn, ShutDoor
from halbd.model.errors import HalbdError
from halbd.model.state import State
from halbd.system.door import Door, let_in

TRIES, PAUSE = 20, 0.005
"""Looks for the kernel's new route, and seconds between two of them."""


class Porter:
    """Holds the door: none, or a shut one."""

    def __init__(self, begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self._begin = begin
        self._door: Door | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def perform(self, effect: ShutDoor | LetIn, state: State) -> None:
        """Have new connections to the VIPs wait, or wait no more."""
        proxy = state.proxy.pid
        try:
            match effect:
                case ShutDoor() if proxy is not None:
                    self._door = Door(proxy, [vip.address for vip in state.config.vips])
                case LetIn() if self._door is not None:
                    self._open(self._door, moved=effect.moved)
                case LetIn() if proxy is not None:
                    let_in(proxy)
        except (HalbdError, OSError) as error:
            self._log.warning("connections.not_paused", why=str(error))

    def _open(self, door: Door, *, moved: bool) -> None:
        self._door = None
        door.open()
        if moved:
            self._begin(self._send_on(door))
        else:
            door.close()

    async def _send_on(self, door: Door) -> None:
        """As soon as the kernel has a route to the next holder."""
        try:
            for _ in range(TRIES):
                if door.has_moved():
                    break
                await asyncio.sleep(PAUSE)
            self._log.info("connections.sent_on", count=door.send_on())
        except OSError as error:
            self._log.warning("connections.not_sent_on", why=str(error))
        finally:
            door.close()
