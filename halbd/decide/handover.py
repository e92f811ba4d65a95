"""Handing the VIPs over to a peer, for a stop and for a drain: make before break, where a peer can take them.

| phase | ends when | what halbd does |
|---|---|---|
| offer | no VIP is held, or `offer_time` has passed | lowers its priority: a peer takes the VIP before it leaves here |
| withdraw | | the verdict itself says no: keepalived drops the VIP, or does not take it back |

Whether a peer can take the VIP nobody knows beforehand; a peer that cannot is at fault, and does not take the offer.
"""

from __future__ import annotations

from functools import lru_cache

from halbd.decide.groups import lowers
from halbd.model.config import Config
from halbd.model.state import State

SHORTEST = 1.0
"""Seconds for which the VIPs are offered at least."""
LONGEST = 10.0
"""Seconds for which they are offered at most: systemd waits for a stop no longer than TimeoutStopSec."""
MARGIN = 0.2
"""Seconds beyond VRRP's own timer that a peer is given to take the VIP."""


@lru_cache
def offer_time(config: Config) -> float:
    """Seconds in which a peer takes over from a lowered priority, or does not; 0 where none would ever.

    It ignores the lower adverts, and takes over when its Active_Down_Interval has passed (RFC 9568, 6.1): three
    intervals and a skew time of at most one. With `nopreempt` it heeds them, and for `preempt_delay` as well
    (keepalived.conf(5)).
    """
    needed = 4 * config.vrrp.advert_int + MARGIN
    can_offer = lowers(config) and len(config.nodes) > 1 and not config.vrrp.preempt_delay
    return max(SHORTEST, needed) if can_offer and needed <= LONGEST else 0


def handing_over(state: State) -> bool:
    """This node wants to be rid of its VIPs, or to stay without."""
    return bool(state.stopping or state.maintenance)


def leaving(state: State) -> bool:
    """A VIP is to leave, or has left and there is something left to do."""
    return bool(state.stopping or state.maintenance or state.pause or state.parting)


def offered_out(state: State, since: float, now: float) -> bool:
    """The offer that began then (monotonic) is over: there is nothing left to hand over, or nobody has taken it."""
    return not state.held or now >= since + offer_time(state.config)
