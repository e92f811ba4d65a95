"""A keepalived that runs and does not do its work: noticed, said, cured.

| evidence | for how long | cure |
|---|---|---|
| one of its processes is stopped | 2 looks, a second apart | SIGKILL, and a start as if it had died |
| there is no VRRP socket though the node's address is there | 3 looks | the same |
| the adverts of its peers are not read: octets wait, and not one less than at the look before | 10 looks | the same |
| it was told to give a VIP up and has not | one second (decide/guard.py) | the same |
| it does not watch the folder of the track files: somebody removed that, and it was made again | 3 looks | a reload |

That its own adverts are not heard is no evidence: with no peer to answer ARP a unicast one never leaves the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from signal import Signals

from halbd.decide import guard
from halbd.model.child import Program
from halbd.model.config import LogLevel
from halbd.model.effects import Effect, KillKeepalivedUnit, Say, Signal, TakeUp
from halbd.model.events import KeepalivedLooked
from halbd.model.evidence import Now
from halbd.model.guard import Hung, Sign, Unseen
from halbd.model.replacing import replace
from halbd.model.state import State

ENOUGH = {Sign.STOPPED: 2, Sign.UNREAD: 10, Sign.NO_SOCKET: 3}
"""Looks in a row that must find a sign. A keepalived on a busy machine is often late, and has something to read at
every look; but it has read something since the last one, and to end it would move a VIP for nothing."""
DEAF = 3
"""The same for one that hears no verdict, which only halbd-check still takes to it; it is told to reload each time
again. One that is just starting does not watch anything yet, and would be ended by the signal."""
LATE = 3.0
"""Seconds without an answer of the helper, which is asked each second."""
REST = 30.0
"""Seconds between two cures: what a restart does not cure is not made worse by many."""

Step = tuple[State, tuple[Effect, ...]]


def looked(state: State, event: KeepalivedLooked, now: Now) -> Step:
    """Count each sign's looks in a row; have a keepalived that lost sight of the track files look for them."""
    if event.pid != state.keepalived.pid:
        return state, ()
    if event.why or state.guard.unseen:
        state = replace(state, guard=replace(state.guard, unseen=_unseen(state, event, now)))
    signs = {sign: state.guard.signs.get(sign, 0) + 1 for sign in event.signs}
    if event.unread < state.guard.unread and Sign.UNREAD in signs:
        signs[Sign.UNREAD] = 1
    if not signs and not state.guard.signs:
        return state, ()
    return replace(state, guard=replace(state.guard, signs=signs, unread=event.unread)), _wake(event, signs)


def _unseen(state: State, event: KeepalivedLooked, now: Now) -> Unseen | None:
    if not event.why:
        return None
    before = state.guard.unseen
    return Unseen(event.pid, event.why, before.since if before and before.pid == event.pid else now)


def unhelped(state: State, now: Now) -> Unseen | None:
    """The helper has been silent for long enough to be told: one that was late once, or is just started, is well."""
    one = state.guard.unseen
    return one if one and one.pid == state.keepalived.pid and now.mono - one.since.mono >= LATE else None


def before_a_stop(state: State) -> tuple[Effect, ...]:
    """One that does not watch the track files would never hear that the VIPs are offered to a peer.

    One look is enough here: it holds a VIP, so it is not just starting. A daemon that has just begun has no more yet.
    """
    if state.stopping or not state.held or Sign.DEAF not in state.guard.signs:
        return ()
    return _told(state.keepalived.pid)


def _told(pid: int | None) -> tuple[Effect, ...]:
    return Say(LogLevel.ERROR, "keepalived.deaf", {"pid": pid, "why": Sign.DEAF.value}), TakeUp(Program.KEEPALIVED)


def _wake(event: KeepalivedLooked, signs: Mapping[Sign, int]) -> tuple[Effect, ...]:
    looks = signs.get(Sign.DEAF, 0)
    if not looks or looks % DEAF:
        return ()
    return _told(event.pid) if looks == DEAF else (TakeUp(Program.KEEPALIVED),)


def due(state: State, now: Now) -> Step:
    """Say it once, and cure it, unless halbd is being stopped or keepalived is none of its business."""
    if not (state.guard.signs or state.guard.doubts or state.guard.hung):
        return state, ()
    why = _why(state, now)
    if why is None:
        if state.guard.hung is None and (state.keepalived.running or not state.guard.signs):
            return state, ()
        return replace(state, guard=replace(state.guard, hung=None, signs={})), ()
    effects: tuple[Effect, ...] = ()
    if state.guard.hung is None:
        state = replace(state, guard=replace(state.guard, hung=Hung(why, now)))
        effects = (Say(LogLevel.ERROR, "keepalived.hung", {"pid": state.keepalived.pid, "why": why}),)
    return _cure(state, effects, now)


def _cure(state: State, effects: tuple[Effect, ...], now: Now) -> Step:
    cured = state.guard.cured_at
    if state.stopping or (cured is not None and now.mono - cured < REST):
        return state, effects
    if not (state.keepalived_is_child or state.keepalived_is_unit):
        return state, effects
    kill = Signal(Program.KEEPALIVED, Signals.SIGKILL) if state.keepalived_is_child else KillKeepalivedUnit()
    return replace(state, guard=replace(state.guard, cured_at=now.mono)), (*effects, kill)


def _why(state: State, now: Now) -> str | None:
    if not state.keepalived.running:
        return None
    for sign, enough in ENOUGH.items():
        if state.guard.signs.get(sign, 0) >= enough:
            return sign.value
    if guard.overdue(state, now):
        return "it was told to give a VIP up, and has not"
    return None
