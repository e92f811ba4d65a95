"""What the track_files are to hold: the verdict, and how far each VIP group lowers its priority."""

from __future__ import annotations

from halbd.model.effects import Push
from halbd.model.evidence import Now
from halbd.model.paths import FAULT, no_servers
from halbd.model.replacing import replace
from halbd.model.state import State
from halbd.model.verdict import Verdict

AGAIN = 1.0
"""Seconds after which a track_file that could not be written is tried again."""


def due(state: State, answer: Verdict, now: Now) -> tuple[State, tuple[Push, ...]]:
    """Keep the track_files at what the verdict says; with no verdict, at what they hold.

    What could not be written is tried again, but not in every turn of the loop; another value is tried at once.
    """
    wanted = dict(state.unpushed) if answer.stale else {FAULT: int(answer.failed)}
    wanted |= {no_servers(group): level for group, level in state.levels.items()}
    resting = now.mono < state.push_due
    pushed = {
        name: value
        for name, value in wanted.items()
        if state.pushed.get(name) != value and not (resting and state.unpushed.get(name) == value)
    }
    unpushed = {name: value for name, value in state.unpushed.items() if name in wanted and name not in pushed}
    if not pushed and unpushed == state.unpushed:
        return state, ()
    pushes = tuple(Push(name, value) for name, value in pushed.items())
    return replace(state, pushed={**state.pushed, **pushed}, unpushed=unpushed), pushes


def next_due(state: State) -> float | None:
    """When what could not be written is tried again (monotonic seconds)."""
    return state.push_due if state.unpushed else None


def failed(state: State, name: str, due: float) -> State:
    """The file does not hold what it should; halbd-check still says what it should, once a second."""
    if name not in state.pushed:
        return state
    pushed = {one: value for one, value in state.pushed.items() if one != name}
    return replace(state, pushed=pushed, unpushed={**state.unpushed, name: state.pushed[name]}, push_due=due)
