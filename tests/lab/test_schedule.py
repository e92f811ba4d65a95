from __future__ import annotations

from collections import Counter

from halbd.lab.chaos import told
from halbd.lab.faults.base import Where
from halbd.lab.faults.catalog import FAULTS
from halbd.lab.havoc import Played
from halbd.lab.schedule import LONGEST, SHORTEST, Round, Strike, schedule

NODES = ("lb1", "lb2", "lb3")
ROUNDS = [schedule(7, number, FAULTS, NODES) for number in range(1, 2001)]


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert [schedule(7, number, FAULTS, NODES) for number in range(1, 2001)] == ROUNDS
    assert [schedule(8, number, FAULTS, NODES) for number in range(1, 2001)] != ROUNDS


def test_a_round_is_the_same_whichever_came_before_it() -> None:
    assert schedule(7, 100, FAULTS, NODES) == ROUNDS[99]


def test_a_seed_means_the_same_on_every_machine() -> None:
    """What a report says must be there to be played again next year; a new fault may change it."""
    assert schedule(1, 1, FAULTS[:8], ("lb1", "lb2")) == Round(1, (Strike("proxy-hang", "lb1"),), 2.6, 5.7)


def test_every_fault_strikes_every_node_where_it_makes_sense() -> None:
    struck = {(strike.fault, strike.node) for one in ROUNDS for strike in one.strikes}
    wanted = {(f.name, node) for f in FAULTS for node in ([""] if f.where is Where.HOLDER else NODES)}
    assert struck == wanted


def test_one_or_two_different_strikes_and_bounded_times() -> None:
    counts = Counter(len(one.strikes) for one in ROUNDS)
    assert set(counts) == {1, 2}
    assert min(counts.values()) > len(ROUNDS) / 5
    assert all(SHORTEST <= one.hold <= LONGEST for one in ROUNDS)
    assert all(len({str(strike) for strike in one.strikes}) == len(one.strikes) for one in ROUNDS if not held(one))


def held(one: Round) -> bool:
    """The holder may be struck by two that make sense there alone."""
    return any(not strike.node for strike in one.strikes)


def test_a_round_is_told_with_all_that_is_wrong() -> None:
    one = Round(3, (Strike("stop", "lb1"), Strike("vip-added", "")), 1.5, 4)
    assert str(one) == "stop on lb1, 1.5 s later vip-added on the holder, for 4.0 s"
    good = Played(one, (), (), 3.25, (), 4, 1, 2)
    assert told(good) == "round 3: right again after 3.2 s; 4 transitions, 1 connections failed, 2 watches broken"
    words = told(Played(one, ("stop not played: it is off",), ("lb1: no proxy runs", "two holders"), 3, (), 4, 1, 0))
    assert "stop not played" in words
    assert words.count("WRONG") == 2
