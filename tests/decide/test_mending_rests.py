"""A VIP that comes back against halbd's doing is not fought at full speed; what is done is told."""

from __future__ import annotations

import pytest

from halbd.decide.guard import DELAYS, FIRST_REST, FORGET, LONGEST_REST, due, mended, next_due
from halbd.model.config import LogLevel
from halbd.model.effects import RemoveAddress, Say
from halbd.model.guard import Doubt, Guard, Mending, Wrong
from halbd.model.maintenance import Maintenance
from halbd.model.replacing import replace
from halbd.model.state import State, Stopping
from tests.decide.driver import of, running

NODE = running(holder=True)
NOW = NODE.now
PLACE = (NODE.vip, "eth0")
SINCE = NOW.mono - DELAYS[Wrong.UNFIT]
DRAINED = Maintenance(NOW.wall, None, 0, withdrawn=0)


def unfit(before: Mending | None = None, since: float = SINCE) -> State:
    """This node may not hold the VIP ever since, has told keepalived so, and still has it."""
    guard = Guard(doubts={PLACE: Doubt(Wrong.UNFIT, since)}, mended={PLACE: before} if before else {})
    return replace(NODE.state, maintenance=DRAINED, pushed={**NODE.state.pushed, "fault": 1}, guard=guard)


def did(at: float, count: int = 1) -> Mending:
    return Mending(Wrong.UNFIT, "", at, count)


@pytest.mark.parametrize(
    ("count", "rest"), [(1, FIRST_REST), (2, 2 * FIRST_REST), (3, 4 * FIRST_REST), (10, LONGEST_REST)]
)
def test_every_mending_rests_twice_as_long_up_to_a_limit(count: int, rest: float) -> None:
    state = unfit(did(NOW.mono, count))
    assert next_due(state) == NOW.mono + rest
    assert next_due(replace(state, stopping=Stopping(NOW))) == NOW.mono + FIRST_REST, "halbd is about to leave"


def test_the_first_comes_when_the_doubt_is_old_enough() -> None:
    assert next_due(unfit()) == NOW.mono
    young = unfit(since=SINCE + 0.01)
    assert due(young, NOW) == (young, ())


@pytest.mark.parametrize(("ago", "count"), [(FORGET - 1, 2), (FORGET, 1)])
def test_a_mending_long_ago_is_forgotten(ago: float, count: int) -> None:
    state, effects = due(unfit(did(NOW.mono - ago)), NOW)
    assert state.guard.mended[PLACE].count == count
    assert of(RemoveAddress, list(effects)) == [RemoveAddress(*PLACE)]
    assert due(unfit(), NOW)[0].guard.mended[PLACE].count == 1


def test_it_says_what_was_where_and_why() -> None:
    _, effects = due(unfit(), NOW)
    why = "this node may not hold it, and keepalived left it here"
    fields = {"vip": str(NODE.vip), "interface": "eth0", "why": why, "mended": True}
    assert [(one.level, one.event, dict(one.fields)) for one in of(Say, list(effects))] == [
        (LogLevel.ERROR, "vip.stale", fields)
    ]


def test_what_follows_within_a_second_is_halbds_own_doing() -> None:
    one = did(NOW.mono - 1)
    assert mended(unfit(one), PLACE, NOW) is None
    one = did(NOW.mono - 0.99)
    assert mended(unfit(one), PLACE, NOW) == one
