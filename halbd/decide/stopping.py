"""SIGTERM: the VIP leaves first, then keepalived and the proxy stop, then the daemon.

| phase | ends when | what halbd does |
|---|---|---|
| offer | no VIP is held, or nobody has taken it in time | see handover.py |
| withdraw | no VIP is held, or WITHDRAW has passed | the verdict itself says no: keepalived drops the VIP |
| part | its connections have been ended (decide/parting.py) | tells their clients |
| stop | both children are gone | SIGTERM, then SIGKILL |
"""

from __future__ import annotations

from halbd.decide import life, parting
from halbd.decide.handover import offer_time, offered_out
from halbd.model.child import Phase, Program
from halbd.model.effects import Effect, Finish
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import State, Stopping

WITHDRAW = 4.0
"""Seconds that keepalived is given to drop a VIP once the verdict says no. It takes milliseconds; one that has lost
sight of the track files needs two runs of halbd-check, and until then the proxy has to serve. What one that is dead or
hangs leaves here halbd removes itself, after a second of this (decide/guard.py, unfit)."""


def advance(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Go on with the stop as far as the moment allows."""
    stopping = state.stopping
    if stopping is None:
        return state, ()
    if stopping.faulted is None:
        if not offered_out(state, stopping.since.mono, now.mono):
            return state, ()
        stopping = Stopping(stopping.since, now.mono)
        state = replace(state, stopping=stopping)
    if state.held and now.mono < (stopping.faulted or now.mono) + WITHDRAW:
        return state, ()
    if parting.unsaid(state):
        return state, ()
    return _stop(state, now)


def next_due(state: State) -> float | None:
    """When the stop goes on by itself (monotonic seconds)."""
    if state.stopping is None or _stopped(state) or Phase.STOPPING in (state.proxy.phase, state.keepalived.phase):
        return None
    if state.stopping.faulted is None:
        return state.stopping.since.mono + offer_time(state.config)
    ends = state.stopping.faulted + WITHDRAW
    return max(ends, parting.next_due(state) or ends) if parting.unsaid(state) else ends


def _stop(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    proxy, effects = life.stop(state.proxy, Program.PROXY, now)
    keepalived = state.keepalived
    if state.keepalived_is_child:
        keepalived, more = life.stop(keepalived, Program.KEEPALIVED, now)
        effects = more + effects
    state = replace(state, proxy=proxy, keepalived=keepalived)
    return state, (*effects, Finish()) if _stopped(state) else effects


def _stopped(state: State) -> bool:
    return state.proxy.phase is Phase.STOPPED and (
        not state.keepalived_is_child or state.keepalived.phase is Phase.STOPPED
    )
