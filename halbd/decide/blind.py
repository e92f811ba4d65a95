"""How far this node lowers its priority, and when: for an outage behind the proxy, and for a proxy that dies often.

Every node judges the same servers, but not at the same moment. Were each to lower its priority as soon as it sees
none, the first to notice would lose the VIP to a peer that is just as blind a second later. So the holder waits, and
a standby does not; and when the servers are back the holder does not wait, and a standby does. They wait for `lag`,
the longest time by which two nodes can differ.

A node whose proxy is on trial (life.py) ranks below every node that is well, and with a blind holder it ranks as ever.
So the VIP does not come back to it for a while, unless nobody else can hold it: then it serves as well as it can.
"""

from __future__ import annotations

from collections.abc import Mapping

from halbd.decide.groups import groups, lowers
from halbd.decide.handover import handing_over
from halbd.decide.timing import lag
from halbd.model.config import OnNoServers
from halbd.model.replacing import replace
from halbd.model.state import State

SEES = 0
HOLDER_BLIND = 1
STANDBY_BLIND = 2
ON_TRIAL = HOLDER_BLIND
OFFERED = STANDBY_BLIND
"""A node that hands its VIPs over ranks below every peer that sees a server."""


def lower(state: State, now: float) -> State:
    """Take up the level of every VIP group at this moment."""
    levels = _levels(state, now)
    return state if levels == state.levels else replace(state, levels=levels)


def _levels(state: State, now: float) -> Mapping[str, int]:
    if not lowers(state.config):
        return {}
    if handing_over(state):
        return dict.fromkeys(groups(state.config), OFFERED)
    least = _least(state)
    return {group: max(least, _by_sight(state, group, now)) for group in groups(state.config)}


def next_due(state: State) -> float | None:
    """When a level can change by the passing of time alone (monotonic seconds)."""
    since = state.blind_since.mono if state.blind_since else state.sight_since
    if since is None or handing_over(state) or not _lowers_when_blind(state):
        return None
    due = since + lag(state.config)
    waiting = any(level != (HOLDER_BLIND if holds(state, g) else STANDBY_BLIND) for g, level in state.levels.items())
    pending = waiting if state.blind_since else any(level > _least(state) for level in state.levels.values())
    return due if pending else None


def _lowers_when_blind(state: State) -> bool:
    return state.config.health.on_no_servers is OnNoServers.LOWER_PRIORITY


def holds(state: State, group: str) -> bool:
    """This node holds a VIP of the group."""
    return any(vip.prefer == group and vip.address in state.held for vip in state.config.vips)


def _least(state: State) -> int:
    return ON_TRIAL if state.proxy.on_trial else SEES


def _by_sight(state: State, group: str, now: float) -> int:
    before = state.levels.get(group, SEES)
    if not _lowers_when_blind(state):
        return SEES
    if state.view is None:
        return before  # nothing has been seen yet: what an earlier daemon said holds
    if state.blind_since:
        waited = now >= state.blind_since.mono + lag(state.config)
        if not holds(state, group):
            return STANDBY_BLIND
        return HOLDER_BLIND if waited else min(before, HOLDER_BLIND)
    waited = state.sight_since is None or now >= state.sight_since + lag(state.config)
    return SEES if waited or holds(state, group) else before
