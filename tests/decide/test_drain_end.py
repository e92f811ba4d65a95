"""When a drain ends: by the monotonic clock, over restarts of halbd and over reboots."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from halbd.decide.draining import resumed
from halbd.decide.holding import role
from halbd.decide.status import status
from halbd.model.effects import ForgetDrain
from halbd.model.events import AddressesDumped, Tick
from halbd.model.maintenance import Note, Outcome
from tests.decide.driver import BEGIN, DRAIN, Driver, drained, of, outcomes, pushes, running

NOTE = Note(running().now.wall, 600, running().now.wall + timedelta(seconds=600), "this", 1600.0)


def test_it_ends_by_itself_by_the_monotonic_clock() -> None:
    node = running()
    node.post(replace(DRAIN, until=node.mono + 60))
    node.live(59.9)
    assert drained(node)
    node.live(0.2)
    assert (node.state.maintenance, node.verdict.healthy, node.fault) == (None, True, 0)


def test_a_wall_clock_that_jumps_a_year_neither_ends_nor_prolongs_it() -> None:
    for years in (-1, 1):
        node = running()
        node.post(replace(DRAIN, until=node.mono + 60))
        node.jump = timedelta(days=365 * years)
        node.live(59)
        assert drained(node)
        assert status(node.state, node.now)["maintenance"]["until"][:4] == str(2026 + years if years > 0 else 2025)
        node.live(2)
        assert node.state.maintenance is None


def test_a_second_drain_gives_it_another_end() -> None:
    node = running()
    node.post(replace(DRAIN, until=node.mono + 10))
    done = node.post(replace(DRAIN, until=node.mono + 100, number=2))
    assert outcomes(done) == [Outcome.ALREADY]
    node.live(50)
    assert drained(node)
    done = node.wait(60)
    assert of(ForgetDrain, done) == [ForgetDrain(2)]


def test_an_end_within_the_offer_ends_the_offer() -> None:
    node = running(holder=True)
    node.post(replace(DRAIN, until=node.mono + 0.5))
    assert outcomes(node.wait(2)) == [Outcome.EXPIRED]
    assert (node.level, node.fault) == (0, 0)


def test_within_a_boot_the_monotonic_clock_counts_the_rest_whatever_the_wall_clock_says() -> None:
    node = Driver()
    for years in (-1, 0, 1):
        node.jump = timedelta(days=365 * years)
        one = resumed(NOTE, "this", held=False, now=node.now)
        assert one is not None
        assert (one.until, one.withdrawn) == (1600.0, 1000.0)
    node.mono = 1600.0
    assert resumed(NOTE, "this", held=False, now=node.now) is None


def test_after_a_reboot_the_wall_clock_counts_the_rest_and_never_more_than_was_asked_for() -> None:
    node = Driver()
    node.mono = 7.0
    rest = {}
    for days in (-365, 0, 365):
        node.jump = NOTE.since - BEGIN + timedelta(days=days, seconds=200 - 7)
        one = resumed(NOTE, "next", held=True, now=node.now)
        rest[days] = one.until if one else None
        assert one is None or one.withdrawn == 7.0, "no VIP can be here yet: not for a moment is one held"
    assert rest == {-365: 607.0, 0: pytest.approx(407.0), 365: None}


def test_without_an_end_it_lasts_over_any_number_of_boots() -> None:
    note = replace(NOTE, seconds=None, until=None, monotonic=None)
    for boot in ("this", "next"):
        one = resumed(note, boot, held=False, now=Driver().now)
        assert one is not None
        assert one.until is None


def test_a_start_into_maintenance_says_no_before_anything_is_known() -> None:
    node = Driver()
    node.state = replace(node.state, maintenance=resumed(NOTE, "next", held=False, now=node.now))
    node.post(Tick())
    node.spawned()
    node.live(30)
    assert node.fault == 1
    assert role(node.state, node.now) == "maintenance"
    assert 0 not in [value for effect in node.effects for value in pushes([effect]).values()]


def test_a_daemon_that_ended_in_the_middle_of_an_offer_makes_it_again() -> None:
    node = running(holder=True)
    node.state = replace(node.state, maintenance=resumed(NOTE, "this", held=True, now=node.now))
    node.post(AddressesDumped(frozenset({(node.vip, "eth0")}), "found when halbd started"))
    assert (node.level, node.fault) == (2, 0)
    assert pushes(node.hold(present=False)) == {"fault": 1}


@pytest.mark.parametrize("force", [True, False])
def test_one_that_was_forced_is_still_when_the_offer_is_made_again(force: bool) -> None:
    node = running(holder=True)
    one = resumed(replace(NOTE, force=force), "this", held=True, now=node.now)
    node.state = replace(node.state, maintenance=one)
    node.live(2)
    assert (node.fault, bool(node.state.maintenance)) == (int(force), force)
