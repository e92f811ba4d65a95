"""`halbctl drain` and `undrain`: the same hand-over as a stop's, and then nothing is stopped.

| state | event | next state | outcome |
|---|---|---|---|
| serving | drain, no VIP is held | withdrawn | not held |
| serving | drain, VIPs are held | offered | |
| offered | drain | offered, with the new end, and forced where one of the two is | |
| offered | the VIPs have left | withdrawn | moved |
| offered | nobody took them in time | serving | undone, or no offer where no peer would heed one |
| offered | the same, with `force` or during a stop | withdrawn | forced |
| withdrawn | drain | withdrawn, with the new end | already drained |
| offered, withdrawn | undrain | serving | undrained |
| offered, withdrawn | `until` has come | serving | expired |
"""

from __future__ import annotations

from datetime import datetime, timedelta

from halbd.decide.handover import offer_time, offered_out
from halbd.model.config import LogLevel
from halbd.model.effects import DrainSettled, Effect, ForgetDrain, Say
from halbd.model.events import DrainRequested
from halbd.model.evidence import Now
from halbd.model.maintenance import Maintenance, Note, Outcome
from halbd.model.replacing import replace
from halbd.model.state import State

Step = tuple[State, tuple[Effect, ...]]


def drain(state: State, event: DrainRequested, now: Now) -> Step:
    """Begin, or give the drain that is going on another end."""
    if state.stopping and not state.maintenance:
        return state, (ForgetDrain(event.number), DrainSettled(Outcome.STOPPING))
    before = state.maintenance
    if before and before.withdrawn is not None:
        again = replace(before, until=event.until, number=event.number)
        return replace(state, maintenance=again), (DrainSettled(Outcome.ALREADY),)
    since, offered = (before.since, before.offered) if before else (event.since, now.mono)
    one = Maintenance(since, event.until, offered, forced(before, force=event.force), number=event.number)
    state = replace(state, maintenance=one)
    said = Say(LogLevel.INFO, "maintenance.begun", {"until": _stamp(one, now), "force": one.force})
    if state.held:
        return state, (said,)
    state, effects = _withdraw(state, one, Outcome.NOT_HELD, now)
    return state, (said, *effects)


def forced(before: Maintenance | None, *, force: bool) -> bool:
    """Who has forced it has decided: a later drain without `force` only gives it another end. `undrain` ends it."""
    return force or (before is not None and before.force)


def undrain(state: State, now: Now) -> Step:
    """End it at once, at whatever point it is."""
    return _end(state, state.maintenance, Outcome.UNDRAINED, now) if state.maintenance else (state, ())


def advance(state: State, now: Now) -> Step:
    """Go on as far as the moment allows."""
    one = state.maintenance
    if one is None:
        return state, ()
    if one.until is not None and now.mono >= one.until:
        return _end(state, one, Outcome.EXPIRED, now)
    if one.withdrawn is not None or not offered_out(state, one.offered, now.mono):
        return state, ()
    if not state.held:
        return _withdraw(state, one, Outcome.MOVED, now)
    if one.force or state.stopping:
        return _withdraw(state, one, Outcome.FORCED, now)
    return _end(state, one, Outcome.UNDONE if offer_time(state.config) else Outcome.NO_OFFER, now)


def next_due(state: State) -> float | None:
    """When it goes on by itself (monotonic seconds)."""
    one = state.maintenance
    if one is None:
        return None
    offered = one.offered + offer_time(state.config) if one.withdrawn is None else None
    return min((due for due in (one.until, offered) if due is not None), default=None)


def until(one: Maintenance, now: Now) -> datetime | None:
    """When it ends by itself, as the wall clock says now."""
    return None if one.until is None else now.wall + timedelta(seconds=one.until - now.mono)


def resumed(note: Note, boot: str, *, held: bool, now: Now) -> Maintenance | None:
    """The drain that an earlier daemon left, or None where its time is over. `held`: the VIPs may still be here.

    Within one boot CLOCK_MONOTONIC goes on, whatever becomes of the wall clock; after it only the wall clock is left,
    and one that was set back makes nothing last longer than was asked for.
    """
    left = _left(note, boot, now)
    if left is not None and left <= 0:
        return None
    end = None if left is None else now.mono + left
    offering = held and note.boot == boot
    return Maintenance(note.since, end, now.mono, note.force, withdrawn=None if offering else now.mono)


def _left(note: Note, boot: str, now: Now) -> float | None:
    if note.boot == boot and note.monotonic is not None:
        return note.monotonic - now.mono
    if note.seconds is None or note.until is None:
        return None
    return min(note.seconds, (note.until - now.wall).total_seconds())


def _withdraw(state: State, one: Maintenance, outcome: Outcome, now: Now) -> Step:
    took = now.mono - one.offered
    said = Say(LogLevel.WARNING, "maintenance.drained", {"outcome": outcome.value, "after_ms": round(1000 * took, 3)})
    drained = replace(state, maintenance=replace(one, withdrawn=now.mono))
    return drained, (DrainSettled(outcome, took), said)


def _end(state: State, one: Maintenance, outcome: Outcome, now: Now) -> Step:
    said = Say(LogLevel.WARNING, "maintenance.ended", {"outcome": outcome.value})
    settled = DrainSettled(outcome, now.mono - one.offered)
    return replace(state, maintenance=None), (ForgetDrain(one.number), settled, said)


def _stamp(one: Maintenance, now: Now) -> str | None:
    end = until(one, now)
    return end.isoformat() if end else None
