"""A drain's moments and times, exactly: when it goes on by itself, what is remembered of it, what is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from halbd.decide.draining import advance, drain, next_due, resumed, undrain, until
from halbd.decide.handover import offer_time
from halbd.model.config import LogLevel
from halbd.model.effects import DrainSettled, Effect, Say
from halbd.model.events import DrainRequested
from halbd.model.evidence import Now
from halbd.model.maintenance import Maintenance, Note, Outcome
from halbd.model.replacing import replace
from tests.decide.driver import Driver, of

NOW = Now(1000.0, datetime(2026, 1, 1, tzinfo=UTC))
SINCE = datetime(2025, 12, 31, tzinfo=UTC)
STATE = Driver().state
OFFER = offer_time(STATE.config)


def told(effects: tuple[Effect, ...]) -> list[tuple[LogLevel, str, object]]:
    return [(one.level, one.event, dict(one.fields)) for one in of(Say, list(effects))]


def test_its_beginning_says_until_when_and_with_what_force() -> None:
    _, effects = drain(STATE, DrainRequested(SINCE, NOW.mono + 60, force=True), NOW)
    begun = (LogLevel.INFO, "maintenance.begun", {"until": "2026-01-01T00:01:00+00:00", "force": True})
    assert told(effects)[0] == begun
    _, effects = drain(STATE, DrainRequested(SINCE, None, force=False), NOW)
    assert told(effects)[0] == (LogLevel.INFO, "maintenance.begun", {"until": None, "force": False})


@pytest.mark.parametrize(
    ("end", "withdrawn", "due"),
    [
        (None, None, NOW.mono + OFFER),
        (NOW.mono + OFFER / 2, None, NOW.mono + OFFER / 2),
        (NOW.mono + 60, None, NOW.mono + OFFER),
        (NOW.mono + 60, NOW.mono, NOW.mono + 60),
        (None, NOW.mono, None),
    ],
)
def test_it_goes_on_when_the_offer_or_its_time_is_over(
    end: float | None, withdrawn: float | None, due: float | None
) -> None:
    one = Maintenance(SINCE, end, NOW.mono, withdrawn=withdrawn)
    assert next_due(replace(STATE, maintenance=one)) == due


def test_its_end_is_told_by_the_wall_clock_of_now() -> None:
    assert until(Maintenance(SINCE, NOW.mono + 60, 0), NOW) == NOW.wall + timedelta(minutes=1)


def test_its_end_is_told_with_the_time_since_it_began() -> None:
    _, effects = undrain(replace(STATE, maintenance=Maintenance(SINCE, None, NOW.mono - 7)), NOW)
    assert of(DrainSettled, list(effects)) == [DrainSettled(Outcome.UNDRAINED, 7)]


@pytest.mark.parametrize("left", [0.5, 0.0])
def test_one_that_has_half_a_second_left_goes_on_and_keeps_its_beginning(left: float) -> None:
    one = resumed(Note(SINCE, 60, None, "boot", NOW.mono + left), "boot", held=False, now=NOW)
    assert one == (Maintenance(SINCE, NOW.mono + left, NOW.mono, withdrawn=NOW.mono) if left else None)


def test_one_without_an_end_has_none_after_a_boot_either() -> None:
    for note in (Note(SINCE, None, NOW.wall, "before", 5), Note(SINCE, 60, None, "before", 5)):
        one = resumed(note, "boot", held=False, now=NOW)
        assert one is not None
        assert one.until is None


def test_the_time_it_took_is_in_milliseconds_to_the_microsecond() -> None:
    one = Maintenance(SINCE, None, NOW.mono - 0.123_456_7)
    _, effects = advance(replace(STATE, maintenance=one), NOW)
    assert told(effects) == [(LogLevel.WARNING, "maintenance.drained", {"outcome": "moved", "after_ms": 123.457})]
