"""The moment at which a level changes: it wakes the daemon by itself, and not twice."""

from __future__ import annotations

import pytest

from halbd.decide.blind import HOLDER_BLIND, SEES, STANDBY_BLIND, lower, next_due
from halbd.decide.timing import lag
from halbd.model.replacing import replace
from halbd.model.state import State
from tests.decide.driver import Driver, running
from tests.sample import config

NODE = running()
HELD = running(holder=True).state.held
WAIT = lag(NODE.state.config)
BEGIN = NODE.mono
DUE = BEGIN + WAIT


def seeing(level: int, *, holder: bool, node: Driver = NODE) -> State:
    """It sees a server, since then."""
    held = HELD if holder else {}
    return replace(node.state, levels={"lb1": level}, held=held, blind_since=None, sight_since=BEGIN)


def blind(level: int, *, holder: bool, node: Driver = NODE) -> State:
    """It sees none, since then; it had seen one some time before."""
    return replace(seeing(level, holder=holder, node=node), blind_since=node.now, sight_since=BEGIN - 100)


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (blind(SEES, holder=True), DUE),
        (blind(HOLDER_BLIND, holder=True), None),
        (blind(SEES, holder=False), DUE),
        (blind(STANDBY_BLIND, holder=False), None),
        (seeing(STANDBY_BLIND, holder=False), DUE),
        (seeing(SEES, holder=False), None),
    ],
)
def test_it_wakes_for_a_level_that_is_not_what_it_will_be(state: State, due: float | None) -> None:
    assert next_due(state) == due


def test_it_does_not_wake_where_no_level_is_lowered_or_nothing_has_happened() -> None:
    ignoring = running(config(health={"on_no_servers": "ignore"}))
    assert next_due(blind(SEES, holder=True, node=ignoring)) is None
    assert next_due(replace(seeing(STANDBY_BLIND, holder=False), sight_since=None)) is None


@pytest.mark.parametrize(
    ("state", "before", "then"),
    [
        (blind(SEES, holder=True), SEES, HOLDER_BLIND),
        (blind(STANDBY_BLIND, holder=True), HOLDER_BLIND, HOLDER_BLIND),
        (seeing(STANDBY_BLIND, holder=False), STANDBY_BLIND, SEES),
        (seeing(STANDBY_BLIND, holder=True), SEES, SEES),
    ],
)
def test_a_level_changes_at_the_moment_it_wakes_for(state: State, before: int, then: int) -> None:
    assert lower(state, DUE - 0.1).levels == {"lb1": before}
    assert lower(state, DUE).levels == {"lb1": then}


def test_what_has_not_changed_is_the_same_state() -> None:
    state = seeing(SEES, holder=True)
    assert lower(state, DUE) is state
