"""While a VIP changes nodes, new connections wait for it: one that was begun here a moment before would be reset there.

When a peer takes over from a lowered priority is known to within one advert_int: it has heard the last advert that it
heeded at most that long before the offer began, and then lets its Active_Down_Interval pass (RFC 9568, 6.1).
"""

from __future__ import annotations

from halbd.decide.handover import handing_over, offer_time
from halbd.model.config import Config
from halbd.model.effects import Effect, LetIn, ShutDoor
from halbd.model.events import DoorSeen
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import KeptOut, Pause, State

LEAD = 0.05
"""Seconds in which a connection that has begun comes to its end."""


def window(config: Config) -> tuple[float, float]:
    """Seconds from the offer between which a peer takes the VIP, if one does, with LEAD before and after."""
    vrrp = config.vrrp
    unit = vrrp.advert_int if vrrp.version == 3 else 1  # RFC 3768, 6.1: version 2 skews by parts of a second
    skews = [unit * (256 - node.priority) / 256 for node in config.nodes]
    return max(0.0, 2 * vrrp.advert_int + min(skews) - LEAD), 3 * vrrp.advert_int + max(skews) + LEAD


def due(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Begin or end the wait as far as the moment allows."""
    offer, pause = offered(state), state.pause
    if pause and not pause.over and (offer is None or _over(state, offer, now)):
        done = replace(pause, over=True) if offer is not None else None
        return replace(state, pause=done), (LetIn(moved=not state.held),)
    if offer is None:
        return (replace(state, pause=None) if pause else state), ()
    if pause is None and now.mono >= offer + window(state.config)[0]:
        over = _over(state, offer, now)
        return replace(state, pause=Pause(over)), () if over else (ShutDoor(),)
    return state, ()


def next_due(state: State) -> float | None:
    """When the wait begins or ends by itself (monotonic seconds)."""
    offer = offered(state)
    if offer is None or (state.pause and state.pause.over):
        return None
    begin, end = window(state.config)
    return offer + (end if state.pause else begin)


def seen(state: State, event: DoorSeen, now: Now) -> State:
    """Whether the proxy that was taken up lets new connections in: one that has been shut is a fault of this node."""
    if event.pid != state.proxy.pid:
        return state
    before = state.kept_out
    return replace(state, kept_out=KeptOut(event.why, before.since if before else now) if event.why else None)


def offered(state: State) -> float | None:
    """Since when the VIPs are offered to the peers (monotonic), None where they are not."""
    if not handing_over(state):
        return None
    since = [state.stopping.since.mono] if state.stopping and state.stopping.faulted is None else []
    if state.maintenance and state.maintenance.withdrawn is None:
        since.append(state.maintenance.offered)
    return min(since, default=None) if offer_time(state.config) else None


def _over(state: State, offer: float, now: Now) -> bool:
    return not state.held or not state.proxy.running or now.mono >= offer + window(state.config)[1]
