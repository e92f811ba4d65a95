"""A VIP that this node may hold, that nobody is heard to hold, and that keepalived here does not take.

Were a peer master and only its adverts lost, keepalived would take the VIP for want of them. So it is in FAULT for a
reason that halbd did not give it: halbd-check fails though the daemon says yes, its interface is down, it refuses its
own config. Nothing that halbd could do by force is better than to say so: what keeps it in FAULT would again.
"""

from __future__ import annotations

from halbd.decide import wire
from halbd.decide.handover import handing_over
from halbd.decide.verdict import verdict
from halbd.model.config import Config, LogLevel, Vip
from halbd.model.effects import Effect, Say
from halbd.model.evidence import Now
from halbd.model.paths import FAULT
from halbd.model.replacing import replace
from halbd.model.state import State

MARGIN = 10.0
"""Seconds beyond VRRP's own timers: keepalived must have started, and halbd-check have succeeded again."""


def patience(config: Config) -> float:
    """Seconds in which a keepalived that may take a VIP does (RFC 9568, 6.1; keepalived.conf(5), preempt_delay)."""
    return MARGIN + 4 * config.vrrp.advert_int + config.vrrp.preempt_delay


def due(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Tell the log once of each VIP, until it is held or claimed; this is called whenever the wire was read."""
    guard = state.guard
    since = {vip.address: guard.quiet.get(vip.address, now) for vip in _quiet(state, now)}
    if not (since or guard.quiet or guard.nobody):
        return state, ()
    lasting = {one for one, begin in since.items() if now.mono - begin.mono >= patience(state.config)}
    news = sorted(lasting - guard.nobody, key=str)
    state = replace(state, guard=replace(guard, quiet=since, nobody=frozenset(lasting)))
    return state, tuple(Say(LogLevel.ERROR, "vip.nobody", {"vip": str(address)}) for address in news)


def _quiet(state: State, now: Now) -> list[Vip]:
    """Where the wire is not heard, or keepalived itself is known to be what is wrong, there is nothing to tell."""
    works = state.guard.hung is None and (state.keepalived.running or not _ours(state))
    if not works or wire.since(state) is None or handing_over(state) or state.pushed.get(FAULT) != 0:
        return []
    unclaimed = [vip for vip in state.config.vips if vip.address not in state.held and not _claimed(state, vip)]
    return unclaimed if unclaimed and verdict(state, now).ok else []


def _ours(state: State) -> bool:
    return state.keepalived_is_child or state.keepalived_is_unit


def _claimed(state: State, vip: Vip) -> bool:
    return wire.rival(state, vip) is not None or wire.speaks(state, vip)
