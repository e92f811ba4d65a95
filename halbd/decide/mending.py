"""The files in force are what the programs read when they start again: when to look at them, and what to say."""

from __future__ import annotations

from halbd.model.config import LogLevel
from halbd.model.effects import Effect, LookAtGeneration, Say
from halbd.model.events import FilesMended
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import Mended, State

INTERVAL = 5.0
"""Seconds between two looks. A proxy that dies meanwhile may start from a changed file, and is tried again later."""
LONGEST_REST = 60.0
"""Seconds between two mendings at the most; each rest is twice the last. Whoever undoes them is not fought at full
speed: each may start keepalived anew."""
FORGET = 86400.0
"""Seconds after which an earlier mending no longer counts: a day, since what changes a file each hour does it again."""


def due(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Look, when it is time."""
    if now.mono < next_due(state):
        return state, ()
    return replace(state, generation_looked=now.mono), (LookAtGeneration(),)


def next_due(state: State) -> float:
    """When that is (monotonic seconds)."""
    one = state.mended
    rest = one.mono + min(LONGEST_REST, INTERVAL * 2.0 ** (min(one.times, 10) - 1)) if one else 0.0
    return max(max(state.generation_looked, state.begun.mono) + INTERVAL, rest)


def mended(state: State, event: FilesMended, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Somebody will want to know where his change has gone."""
    before = state.mended
    times = before.times + 1 if before and now.mono - before.mono < FORGET else 1
    fields = {"files": list(event.files), "kept": event.kept, "complaint": event.complaint, "times": times}
    said = Say(LogLevel.ERROR, "generation.mended", fields)
    one = Mended(now.wall, event.files, event.kept, event.complaint, times, now.mono)
    return replace(state, mended=one), (said,)
