"""A daemon that slept has missed something: what it believed before counts no more."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from halbd.decide.guard import GAP, GAP_DEAF, NOTED, awake
from halbd.model.evidence import Now
from halbd.model.guard import Doubt, Guard, Sign, Wrong
from halbd.model.replacing import replace
from tests.decide.driver import Driver

STATE = Driver().state
VIP = STATE.config.vips[0].address
TURNED = Now(1000.0, STATE.begun.wall)
BELIEF = Guard(
    heard_since=900.0,
    heard_at=1000.0,
    turned=TURNED.mono,
    awake_since=900.0,
    doubts={(VIP, "eth0"): Doubt(Wrong.STALE, 900.0)},
    signs={Sign.STOPPED: 1},
    quiet={VIP: TURNED},
    rivals={ip_address("10.10.50.3"): 1.0},
)


def after(seconds: float, before: Guard = BELIEF) -> Guard:
    return awake(replace(STATE, guard=before), Now(TURNED.mono + seconds, TURNED.wall)).guard


@pytest.mark.parametrize(("heard_since", "gap"), [(900.0, GAP), (None, GAP_DEAF)])
def test_a_turn_that_is_late_begins_anew_and_one_that_is_just_in_time_does_not(
    heard_since: float | None, gap: float
) -> None:
    before = replace(BELIEF, heard_since=heard_since, turned=0.0)
    assert awake(replace(STATE, guard=before), Now(gap, TURNED.wall)).guard == replace(before, turned=gap)
    now = Now(gap + 0.01, TURNED.wall)
    forgotten = Guard(heard_since=heard_since, heard_at=1000.0, turned=now.mono, awake_since=now.mono)
    assert awake(replace(STATE, guard=before), now).guard == forgotten


def test_turns_that_follow_closely_are_not_noted() -> None:
    state = replace(STATE, guard=replace(BELIEF, turned=1.0))
    assert awake(state, Now(1 + NOTED, TURNED.wall)) is state
    assert after(NOTED + 0.01).turned == TURNED.mono + NOTED + 0.01
