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


def due(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Look, when it is time."""
    if now.mono < next_due(state):
        return state, ()
    return replace(state, generation_looked=now.mono), (LookAtGeneration(),)


def next_due(state: State) -> float:
    """When that is (monotonic seconds)."""
    return max(state.generation_looked, state.begun.mono) + INTERVAL


def mended(state: State, event: FilesMended, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Somebody will want to know where his change has gone."""
    fields = {"files": list(event.files), "kept": event.kept, "complaint": event.complaint}
    said = Say(LogLevel.ERROR, "generation.mended", fields)
    return replace(state, mended=Mended(now.wall, event.files, event.kept, event.complaint)), (said,)
