"""Rise and fall."""

from __future__ import annotations

from halbd.decide.streak import observe
from halbd.model.evidence import Streak


def after(answers: str, streak: Streak | None = None) -> Streak:
    """`y` and `n`, one a second; rise 3, fall 2."""
    one = streak or Streak()
    for second, answer in enumerate(answers):
        one = observe(one, ok=answer == "y", rise=3, fall=2, now=float(second))
    return one


def test_the_first_answer_decides_at_once() -> None:
    assert after("y").up is True
    assert after("n").up is False


def test_it_falls_after_fall_and_rises_after_rise() -> None:
    assert after("yn").up is True
    assert after("ynn").up is False
    assert after("ynnyy").up is False
    assert after("ynnyyy").up is True


def test_a_series_that_is_broken_starts_again() -> None:
    assert after("ynyn").up is True
    assert after("ynnyynyy").up is False


def test_failing_since_is_kept_until_it_is_up_again() -> None:
    assert after("yn").failing_since == 1
    assert after("yny").failing_since is None
    assert after("ynnyy").failing_since == 1
    assert after("ynnyyy").failing_since is None


def test_one_that_must_prove_itself_starts_down() -> None:
    assert after("yy", Streak(up=False)).up is False
    assert after("yyy", Streak(up=False)).up is True
