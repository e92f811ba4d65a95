"""How many adverts are sent in one advert_int, so that a lost one here and there is not taken for a death."""

from __future__ import annotations

from halbd.model.config import Vrrp

MOST = 5
MISSED = 3
"""Adverts that VRRP may miss (RFC 5798, 6.1)."""


def spread(vrrp: Vrrp) -> int:
    """As many as MOST, where the interval can be divided: version 3 counts in hundredths (RFC 5798, 5.2.7)."""
    if vrrp.version != 3:
        return 1
    hundredths = round(vrrp.advert_int * 100)
    return next(times for times in range(MOST, 0, -1) if hundredths % times == 0)


def missed(vrrp: Vrrp) -> int:
    """How many of those may be missed, so that a death is noticed as soon as it would be with one per advert_int.

    A death comes half an interval after the last advert on average; a shorter interval gives less of that away.
    """
    times = spread(vrrp)
    return MISSED * times - (times - 1) // 2
