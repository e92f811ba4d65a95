"""A model of halbd/daemon/witness.py: what the daemon's own socket hears, and its look at keepalived's processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halbd.daemon.witness import GAP, INTERVAL, LOOKS
from halbd.model.adverts import Advert, Claim
from halbd.model.events import AdvertsHeard, KeepalivedLooked
from halbd.model.guard import Sign

if TYPE_CHECKING:
    from tests.sim.daemon import Daemon

Key = tuple[bool, int, int]


class Wire:
    """The socket is the daemon's, so it goes with it; what it hears while the daemon is stopped waits."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon, self._clock = daemon, daemon.clock
        self._waiting: dict[Key, Advert] = {}
        self._claims: dict[Key, Claim] = {}
        self._since = self._last = daemon.clock.now
        self._turn = 0
        self._clock.after(0, self._watch)

    def hear(self, advert: Advert, *, own: bool) -> None:
        """The kernel puts a packet into the socket."""
        self._waiting[own, int(advert.source), advert.virtual_router_id] = advert

    def glance(self) -> None:
        """Hand on what was heard up to now."""
        now = self._clock.now
        if now - self._last > GAP:
            self._waiting.clear()
            self._since = now
        for key, advert in self._waiting.items():
            self._claims[key] = Claim(advert, "eth0", key[0], now)
        self._waiting.clear()
        self._last = now
        self._daemon.post(AdvertsHeard(tuple(self._claims.values()), self._since, now))

    def _watch(self) -> None:
        if not self._daemon.alive:
            return
        if self._daemon.frozen:
            self._daemon.miss(self._watch)
            return
        self._clock.after(INTERVAL, self._watch)
        self.glance()
        self._turn += 1
        if self._turn % LOOKS == 0:
            self._look()

    def _look(self) -> None:
        child, keepalived = self._daemon.state.keepalived, self._daemon.node.keepalived
        if keepalived and child.running and child.pid == keepalived.pid and not self._daemon.frozen:
            signs = {Sign.STOPPED} if keepalived.frozen else set[Sign]()
            self._daemon.later(0, KeepalivedLooked(keepalived.pid, frozenset(signs)))
