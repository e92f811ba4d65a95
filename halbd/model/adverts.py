"""VRRP adverts, as they were heard on the wire. `at` and `since` are CLOCK_MONOTONIC seconds."""

from __future__ import annotations

from dataclasses import dataclass

from halbd.model.config import Address


@dataclass(frozen=True, slots=True)
class Advert:
    """Who says that it is master of these addresses. Priority 0: it has just stopped being that (RFC 9568, 5.2.4)."""

    source: Address
    virtual_router_id: int
    priority: int
    addresses: frozenset[Address]
    version: int = 3
    advert_int: float = 1.0
    """Seconds; RFC 9568's default where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The last advert of one source on one interface. `own`: this machine sent it."""

    advert: Advert
    interface: str
    own: bool
    at: float
