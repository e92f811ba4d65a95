"""A VIP that comes back against halbd's doing is not fought at full speed; what is done is told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from halbd.decide.guard import ARRIVED, DELAYS, FIRST_REST, FORGET, LEFT, LONGEST_REST, due, mended, next_due
from halbd.model.adverts import Advert, Claim
from halbd.model.config import LogLevel
from halbd.model.effects import RemoveAddress, Say
from halbd.model.evidence import Held, Now
from halbd.model.guard import Doubt, Guard, Mending, Wrong
from halbd.model.maintenance import Maintenance
from halbd.model.replacing import replace
from halbd.model.state import State, Stopping
from tests.decide.driver import of, running
from tests.sample import config

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


def told(state: State) -> list[tuple[LogLevel, str, object]]:
    return [(one.level, one.event, dict(one.fields)) for one in of(Say, list(due(state, NOW)[1]))]


@pytest.mark.parametrize(
    ("came", "why"), [(SINCE - 1, "keepalived left it here"), (SINCE, "it came all the same")], ids=str
)
def test_it_says_what_was_where_and_why(came: float, why: str) -> None:
    held = {NODE.vip: Held("eth0", Now(came, NOW.wall))}
    fields = {"vip": str(NODE.vip), "interface": "eth0", "why": f"this node may not hold it, and {why}", "mended": True}
    assert told(replace(unfit(), held=held)) == [(LogLevel.ERROR, "vip.stale", fields)]


def test_one_that_somebody_removed_is_said_to_be_missing() -> None:
    advert = Advert(NODE.state.config.node.address, 4, 254, frozenset({NODE.vip}))
    guard = Guard(
        claims=(Claim(advert, "eth0", own=True, at=NOW.mono),),
        heard_since=SINCE,
        heard_at=NOW.mono,
        awake_since=SINCE,
        doubts={PLACE: Doubt(Wrong.MISSING, NOW.mono - DELAYS[Wrong.MISSING])},
    )
    begun = Now(NOW.mono - LEFT, NOW.wall)
    gone = replace(NODE.state, held={}, role_since={}, begun=begun, guard=guard)
    why = "removed by somebody else, and keepalived here still advertises it"
    fields = {"vip": str(NODE.vip), "interface": "eth0", "why": why, "mended": True}
    assert told(gone) == [(LogLevel.ERROR, "vip.missing", fields)]
    assert told(replace(gone, begun=NOW)) == [], "the advert may be older than the loss"
    assert told(replace(gone, pushed={**gone.pushed, "fault": 1})) == [], "keepalived has been told to give it up"
    assert told(replace(gone, guard=replace(guard, heard_since=None))) == []


def test_what_follows_within_a_second_is_halbds_own_doing() -> None:
    one = did(NOW.mono - 1)
    assert mended(unfit(one), PLACE, NOW) is None
    one = did(NOW.mono - 0.99)
    assert mended(unfit(one), PLACE, NOW) == one


def test_a_doubt_of_another_kind_begins_anew() -> None:
    other = Guard(doubts={PLACE: Doubt(Wrong.STALE, SINCE)})
    state, effects = due(replace(unfit(), guard=other), NOW)
    assert effects == ()
    assert state.guard.doubts == {PLACE: Doubt(Wrong.UNFIT, NOW.mono)}


def test_a_keepalived_that_was_not_told_yet_is_not_late() -> None:
    told_nothing = replace(unfit(), pushed={**NODE.state.pushed, "fault": 0})
    assert due(told_nothing, NOW)[0].guard.doubts == {}


@pytest.mark.parametrize(("ago", "settled"), [(ARRIVED + 0.01, True), (ARRIVED - 0.01, False)])
def test_a_vip_is_stale_only_when_it_has_been_here_for_a_while(ago: float, settled: bool) -> None:
    """Its adverts may not have been heard yet. The doubt is as old as what was heard."""
    advert = Advert(ip_address("10.10.50.3"), 4, 253, frozenset({NODE.vip}))
    heard_at = NOW.mono - 0.05
    guard = Guard((Claim(advert, "eth0", own=False, at=heard_at),), 900.0, heard_at, awake_since=900.0)
    held = {NODE.vip: Held("eth0", Now(heard_at - ago, NOW.wall))}
    state, _ = due(replace(NODE.state, held=held, guard=guard), NOW)
    assert state.guard.doubts == ({PLACE: Doubt(Wrong.STALE, heard_at)} if settled else {})


def test_two_vips_are_mended_at_once() -> None:
    both = running(config(vips=[{"address": "10.10.50.4"}, {"address": "10.10.50.5"}]))
    places = [(vip.address, "eth0") for vip in both.state.config.vips]
    held = {address: Held("eth0", both.now) for address, _ in places}
    guard = Guard(doubts={place: Doubt(Wrong.UNFIT, both.mono - DELAYS[Wrong.UNFIT]) for place in places})
    pushed = {**both.state.pushed, "fault": 1}
    _, effects = due(replace(both.state, maintenance=DRAINED, held=held, pushed=pushed, guard=guard), both.now)
    assert of(RemoveAddress, list(effects)) == [RemoveAddress(*place) for place in places]


@pytest.mark.parametrize(
    ("wrong", "priority", "after", "count"),
    [
        (Wrong.STALE, 254, 0.1, 1),
        (Wrong.STALE, 254, 0, 5),
        (Wrong.STALE, 0, 0.1, 5),
        (Wrong.UNFIT, 254, 0.1, 5),
        (Wrong.MISSING, 254, 0.1, 5),
    ],
)
def test_a_removal_counts_no_more_once_keepalived_has_taken_the_vip_by_itself(
    wrong: Wrong, priority: int, after: float, count: int
) -> None:
    """Its death then leaves another stale one; what it advertises while halbd fights it is no such thing."""
    before = Mending(wrong, "", NOW.mono - 3, 4)
    claim = Claim(
        Advert(NODE.state.config.node.address, 4, priority, frozenset({NODE.vip})),
        "eth0",
        own=True,
        at=before.at + after,
    )
    guard = Guard(
        (claim,), NOW.mono - 60, NOW.mono, awake_since=NOW.mono - 60,
        doubts={PLACE: Doubt(Wrong.UNFIT, SINCE)}, mended={PLACE: before},
    )  # fmt: skip
    state = replace(unfit(), guard=guard)
    assert (next_due(state) == SINCE + DELAYS[Wrong.UNFIT]) is (count == 1)
    state, _ = due(state, Now(NOW.mono + LONGEST_REST, NOW.wall))
    assert state.guard.mended[PLACE].count == count
