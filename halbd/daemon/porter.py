"""Has new connections wait while the VIPs change nodes; where that cannot be done, they do not wait."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

import structlog

from halbd.model.config import Address
from halbd.model.effects import LetIn, ShutDoor
from halbd.model.errors import HalbdError
from halbd.model.events import DoorSeen, Event
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system import files
from halbd.system.door import Door, let_in
from halbd.system.helper import ask
from halbd.system.process import Identity, session

AGAIN = (0.005, 0.015, 0.03, 0.05, 0.1)
"""Seconds of waiting before each time that SYNs are sent on. keepalived's first advert, which makes this node give the
VIP up, leaves before the new holder has set the address: up to 20 ms, as seen. A SYN that comes twice does no harm (RFC
9293, 3.10.7)."""

LET_IN = 1.0
"""Seconds between two tries to open what may have been left shut."""


class Porter:
    """Holds the door: none, or a shut one.

    While it is shut there is a note, by which the next daemon knows what nobody else can tell: halbd's own probes come
    in, and who looks at the sockets themselves needs the helper.
    """

    def __init__(
        self,
        paths: Paths,
        post: Callable[[Event], None],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._note, self._post, self._begin = paths.door_note, post, begin
        self._door: Door | None = None
        self._failed = False
        self._later: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def perform(self, effect: ShutDoor | LetIn, state: State) -> None:
        """Have new connections to the VIPs wait, or wait no more."""
        pid, ports = state.proxy.pid, {one.port for one in state.config.frontends}
        who = Identity(pid, state.proxy.start_ticks) if pid else None
        match effect:
            case ShutDoor() if who and not self._asking:
                self._shut(who, ports, [vip.address for vip in state.config.vips])
            case LetIn() if self._door is not None:
                self._open(self._door, pid, moved=effect.moved)
            case LetIn() if who and not self._failed:
                self._let_in(who, ports)
            case _:
                self._failed = False  # what could not be shut is open

    @property
    def _asking(self) -> bool:
        """Whether it was left shut is not known yet. To shut it now, and fail, would say that it is open."""
        return self._later is not None and not self._later.done()

    def _shut(self, who: Identity, ports: set[int], addresses: list[Address]) -> None:
        """Noted first: a door that is shut, and not known to be, is worse than a connection that is reset."""
        try:
            files.write(self._note, json.dumps(asdict(who)).encode())
            self._door = Door(who.pid, ports, addresses)
        except (HalbdError, OSError) as error:
            self._failed = True
            self._log.warning("connections.not_paused", why=str(error))
            self._is_open(who.pid)

    def _let_in(self, who: Identity, ports: set[int]) -> None:
        """A door that was left shut keeps everybody out: tried until it is known to be open, or there is no proxy."""
        try:
            let_in(who.pid, ports)
        except (HalbdError, OSError) as error:
            shut = self._noted() == asdict(who)
            self._log.warning("connections.not_let_in", why=str(error), shut=shut)
            if shut:
                self._post(DoorSeen(who.pid, str(error)))
            if not self._asking:
                self._later = self._begin(self._let_in_later(who.pid, ports))
        else:
            self._is_open(who.pid)

    async def _let_in_later(self, proxy: int, ports: set[int]) -> None:
        while session(proxy) == proxy:
            await asyncio.sleep(LET_IN)
            with contextlib.suppress(HalbdError, OSError):
                await asyncio.to_thread(let_in, proxy, ports, ask.LATER)
                self._is_open(proxy)
                return

    def _noted(self) -> object:
        """Which proxy a daemon has shut and not opened."""
        try:
            return json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return None

    def _is_open(self, pid: int | None) -> None:
        with contextlib.suppress(OSError):  # a note that stays costs a question, and is believed only without an answer
            self._note.unlink(missing_ok=True)
        if pid:
            self._post(DoorSeen(pid))

    def _open(self, door: Door, pid: int | None, *, moved: bool) -> None:
        self._door = None
        door.open()
        self._is_open(pid)
        if moved:
            self._begin(self._send_on(door))
        else:
            door.close()

    async def _send_on(self, door: Door) -> None:
        """Also those that still come here, and to a holder that is not ready yet once more."""
        count = 0
        try:
            for pause in AGAIN:
                await asyncio.sleep(pause)
                if door.has_moved():
                    count = door.send_on()
            self._log.info("connections.sent_on", count=count)
        except OSError as error:
            self._log.warning("connections.not_sent_on", why=str(error))
        finally:
            door.close()
