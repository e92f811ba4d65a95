"""The adverts on the wire, for a while."""

from __future__ import annotations

import time

from halbd.model.adverts import Advert, Claim
from halbd.model.config import Config
from halbd.model.facts import Heard
from halbd.system.adverts import Wire

LEAST, MOST = 1.0, 10.0
"""Seconds; version 2 allows for an advert_int of minutes."""


class Listener:
    """Listens from the moment when it is made. Raises FailedError, as Wire does."""

    def __init__(self) -> None:
        self._wire = Wire()
        self._begun = time.monotonic()

    def heard(self, config: Config) -> Heard:
        """The last advert of each source, once the time is over: three intervals, after which a master is silent.

        Raises OSError.
        """
        seconds = min(MOST, max(LEAST, 3 * config.vrrp.advert_int))
        found: dict[tuple[str, bool, object, int], Claim] = {}
        while (now := time.monotonic()) < self._begun + seconds:
            self._take(found, now)
            time.sleep(0.05)
        self._take(found, now)
        self._wire.close()
        return Heard(tuple(found.values()), now - self._begun, now)

    def _take(self, found: dict[tuple[str, bool, object, int], Claim], now: float) -> None:
        for advert, interface, own in self._wire.heard():
            found[_key(advert, interface, own=own)] = Claim(advert, interface, own, now)


def _key(advert: Advert, interface: str, *, own: bool) -> tuple[str, bool, object, int]:
    return interface, own, advert.source, advert.virtual_router_id
