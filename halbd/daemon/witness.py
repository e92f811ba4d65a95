"""Hears what is said on the wire and looks at keepalived, a few times a second, and tells the owner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from halbd.model.adverts import Advert, Claim
from halbd.model.config import Address
from halbd.model.errors import FailedError
from halbd.model.events import AddressChanged, AdvertsHeard, Event, KeepalivedLooked
from halbd.model.guard import Sign
from halbd.model.state import State
from halbd.system import keepalived_signs
from halbd.system.adverts import Wire

INTERVAL = 0.2
"""Seconds between two readings of what was heard: one step for all of it, not one for each advert."""
LOOKS = 5
"""Readings between two looks at keepalived's processes and sockets."""
GAP = 0.7
"""Seconds without a reading after which nobody knows how old the waiting adverts are."""
STRANGERS = 16
"""Sources besides this node and its peers that are remembered: a flood of invented ones must not fill the memory."""

Key = tuple[bool, str, Address, int]


class Witness:
    """Listens from `start` to `stop`. Where it may not, or the helper does not answer, it says so once and goes on."""

    def __init__(
        self,
        post: Callable[[Event], None],
        state: Callable[[], State],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        track: Path,
    ) -> None:
        self._post, self._state, self._begin, self._track = post, state, begin, track
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._claims: dict[Key, Claim] = {}
        self._strangers: dict[Key, Claim] = {}
        self._wire: Wire | None = None
        self._watching: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._failed: dict[str, str] = {}
        self._since = self._last = time.monotonic()

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._watching is None:
            self._listen(*_wire())
            self._watching = self._begin(self._watch())

    def _listen(self, wire: Wire | None, why: str) -> None:
        self._wire = wire
        self._since = self._last = time.monotonic()
        if self._is_news("adverts", why):
            self._log.warning("adverts.not_heard", why=why)

    def stop(self) -> None:
        """Listen no more."""
        for task in (self._watching, self._looking):
            if task:
                task.cancel()
        if self._wire:
            self._wire.close()
            self._wire = None

    def glance(self) -> None:
        """Hand on what was heard up to now."""
        if self._wire is None:
            return
        now = time.monotonic()
        try:
            if now - self._last > GAP:
                self._wire.forget()
                self._since = now
            for advert, interface, own in self._wire.heard():
                self._note(advert, interface, own, now)
            if self._wire.lost():
                self._since = now
        except OSError as error:
            self._since = now
            self._log.warning("adverts.not_heard", why=str(error.strerror))
        self._last = now
        self._post(AdvertsHeard((*self._claims.values(), *self._strangers.values()), self._since, now))

    def explained(self, event: AddressChanged) -> AddressChanged:
        """What is known of a VIP that came or went: the advert that explains it came before it, so that is read now."""
        state = self._state()
        if all(vip.address != event.address for vip in state.config.vips):
            return event
        self.glance()
        pid = state.keepalived.pid
        if pid is None or event.port == 0:
            return event
        return replace(event, by_keepalived=keepalived_signs.has_port(pid, event.port))

    def _note(self, advert: Advert, interface: str, own: bool, now: float) -> None:
        config = self._state().config
        vips = [vip for vip in config.vips if vip.interface == interface]
        ids = {vip.virtual_router_id for vip in vips}
        if advert.virtual_router_id not in ids and not any(vip.address in advert.addresses for vip in vips):
            return
        strange = not own and all(node.address != advert.source for node in config.nodes)
        memory = self._strangers if strange else self._claims
        key = (own, interface, advert.source, advert.virtual_router_id)
        memory.pop(key, None)
        memory[key] = Claim(advert, interface, own, now)
        if len(self._strangers) > STRANGERS:
            del self._strangers[next(iter(self._strangers))]

    async def _watch(self) -> None:
        turn = 0
        while True:
            self.glance()
            turn += 1
            if turn % LOOKS == 0:
                if self._wire is None:
                    self._listen(*await asyncio.to_thread(_wire))
                if self._looking is None or self._looking.done():
                    self._looking = self._begin(self._look())
            await asyncio.sleep(INTERVAL)

    async def _look(self) -> None:
        """In a thread: a helper that hangs must not keep the adverts waiting. What it does not see is no evidence."""
        state = self._state()
        pid = state.keepalived.pid
        if pid is None or not state.keepalived.running:
            return
        signs, unread, why = frozenset[Sign](), 0, ""
        try:
            signs, unread = await asyncio.to_thread(keepalived_signs.look, pid, state.config.node.address, self._track)
        except FailedError as error:
            why = str(error)
        except OSError:
            return  # it is gone, which its pidfd or systemd tells
        if self._is_news("keepalived", why):
            self._log.warning("keepalived.not_looked_into", why=why)
        self._post(KeepalivedLooked(pid, signs, unread, why))

    def _is_news(self, what: str, why: str) -> bool:
        """What does not work is said once, until it works again."""
        before, self._failed[what] = self._failed.get(what, ""), why
        return why not in {"", before}


def _wire() -> tuple[Wire | None, str]:
    """Or why nothing is heard."""
    try:
        return Wire(), ""
    except FailedError as error:
        return None, str(error)
