from __future__ import annotations

from datetime import timedelta

import pytest

from halbd.cli.words import ago, duration
from tests.cli.samples import NOW


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3601, "1 h 1 s"),
        (93784, "1 d 2 h"),
    ],
)
def test_a_duration_is_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_clock_that_was_set_back_shows_no_negative_age() -> None:
    assert ago((NOW + timedelta(hours=1)).isoformat(), NOW) == "just now"
    assert ago(None, NOW) == "never"
