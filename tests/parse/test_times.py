"""Times at the ends of what they may be."""

from __future__ import annotations

import pytest

from tests.parse.told import BASE, edited, told


@pytest.mark.parametrize("seconds", ["0", "0.01", "1", "604800"])
def test_a_time_may_be_the_least_the_greatest_and_none(seconds: str) -> None:
    assert told(edited("port: 6443", f"port: 6443\n    timeouts: {{client: {seconds}, server: {seconds}}}")) == []


def test_a_number_that_is_no_time_is_told_without_a_word_of_quotes() -> None:
    (problem,) = told(f"{BASE}health: {{interval: 61}}\n")
    assert problem == "line 15: health.interval: 61 is not a time; write a number of seconds, from 0.05 to 60"
