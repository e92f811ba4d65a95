from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from halbd.lab.measure import (
    Attempt,
    Broken,
    Change,
    Seen,
    Spans,
    Stretch,
    measure,
    outage,
    served_from,
    settled,
    timeline,
)

VIP = "10.0.0.4"


def attempts(start: float, end: float, bad: Iterable[tuple[float, float]] = (), took: float = 0.005) -> list[Attempt]:
    """One each 10 ms; those begun within a range of `bad` time out after 2 s."""
    made = []
    for number in range(round((end - start) * 100)):
        at = round(start + number / 100, 2)
        failed = any(low <= at < high for low, high in bad)
        made.append(Attempt(VIP, at, at + (2 if failed else took), "timeout" if failed else ""))
    return made


def seen(attempts: list[Attempt], changes: Iterable[Change] = (), *, self_healing: bool = False) -> Seen:
    """A fault at 10, in effect 2 ms later, healed at 12, over at 20, on a VIP that lb1 held."""
    return Seen(
        "lb1", Spans(10, 10.002, 12, 12.1, 20), ((VIP, ("lb1",)),), tuple(attempts), tuple(changes), (), self_healing
    )


def moves(*events: tuple[float, str, bool]) -> tuple[Change, ...]:
    return tuple(Change(at, node, VIP, gained) for at, node, gained in events)


def test_an_outage_lasts_from_the_first_bad_start_to_the_first_good_start_after_the_last_bad() -> None:
    assert outage(attempts(10, 12, [(10.1, 10.2), (10.5, 10.6)]), 10, 12) == pytest.approx(0.5)


def test_no_bad_attempt_is_no_outage() -> None:
    assert outage(attempts(10, 12), 10, 12) == 0


def test_an_outage_without_end_counts_to_the_end_of_its_phase() -> None:
    assert outage(attempts(10, 12, [(11, 12)]), 10, 12) == pytest.approx(1)


def test_an_answer_after_half_a_second_is_no_service() -> None:
    late = [Attempt(VIP, 10, 11.1), *attempts(10.01, 12)]
    assert outage(late, 10, 12) == pytest.approx(0.01)
    assert measure(seen(late)).slow == 1


def test_what_began_before_the_fault_and_died_of_it_counts() -> None:
    cut = [Attempt(VIP, 9.99, 10.001, "reset"), Attempt(VIP, 10, 10.003, "reset"), *attempts(10.01, 20)]
    numbers = measure(seen(cut))
    assert (numbers.failed, numbers.failed_new) == (2, 0)
    assert numbers.outage_ms == pytest.approx(20)


def test_the_healing_is_measured_apart() -> None:
    numbers = measure(seen(attempts(9, 20, [(10.0, 10.5), (13.0, 13.2)])))
    assert (numbers.outage_ms, numbers.outage_heal_ms) == (500, 200)
    assert (numbers.failed, numbers.failed_heal) == (50, 20)


def test_a_fault_that_heals_itself_is_parted_where_the_vip_goes_home() -> None:
    there_and_back = moves((10.1, "lb1", False), (10.1, "lb2", True), (11, "lb2", False), (11, "lb1", True))
    numbers = measure(seen(attempts(9, 20, [(10.0, 10.1), (11.0, 11.3)]), there_and_back, self_healing=True))
    assert (numbers.outage_ms, numbers.outage_heal_ms) == (100, 300)
    assert (numbers.moved_ms, numbers.back_ms) == (100, 1000)


def test_the_timeline_has_no_gaps() -> None:
    changes = moves((10.1, "lb1", False), (10.3, "lb2", True), (15, "lb1", True), (15.2, "lb2", False))
    assert timeline(changes, VIP, ("lb1",), 10, 20) == (
        Stretch(10, 10.1, ("lb1",)),
        Stretch(10.1, 10.3, ()),
        Stretch(10.3, 15, ("lb2",)),
        Stretch(15, 15.2, ("lb1", "lb2")),
        Stretch(15.2, 20, ("lb1",)),
    )


def test_holders_are_counted_over_the_whole_fault() -> None:
    changes = moves((10.1, "lb1", False), (10.3, "lb2", True), (15, "lb1", True), (15.2, "lb2", False))
    numbers = measure(seen(attempts(9, 20), changes))
    assert (numbers.no_holder_ms, numbers.two_holders_ms) == (200, 200)
    assert (numbers.moved_ms, numbers.back_ms, numbers.transitions) == (300, 3000, 4)
    assert numbers.one_holder_ms == pytest.approx(3200)


def test_of_two_holders_the_longest_time_without_a_break_is_told_apart() -> None:
    """A third holder that comes meanwhile is no break."""
    twice = ((10.1, "lb2", True), (10.4, "lb2", False), (11, "lb2", True), (11.1, "lb3", True), (11.3, "lb2", False))
    numbers = measure(seen(attempts(9, 20), moves(*twice, (11.5, "lb3", False))))
    assert (numbers.two_holders_ms, numbers.two_longest_ms) == (800, 500)
    assert measure(seen(attempts(9, 20))).two_longest_ms == 0


def test_where_a_fault_heals_itself_one_holder_is_counted_from_the_injection() -> None:
    changes = moves((10.1, "lb2", True), (10.7, "lb2", False))
    themselves = replace(seen(attempts(9, 20), changes), self_healing=True)
    assert measure(themselves).one_holder_ms == pytest.approx(700)


def watches(*broken: tuple[float, str], changes: tuple[Change, ...]) -> float | None:
    told = replace(seen(attempts(9, 20), changes), broken=tuple(Broken(at, VIP, how) for at, how in broken))
    return measure(told).watches_ms


GONE_AND_BACK = moves((10.5, "lb2", True), (10.6, "lb1", False), (13, "lb1", True), (13.1, "lb2", False))


def test_a_watch_is_measured_from_the_loss_before_its_end() -> None:
    assert watches((10.65, "reset"), (13.12, "reset"), changes=GONE_AND_BACK) == pytest.approx(50)
    assert watches((10.65, "reset"), (13.3, "reset"), changes=GONE_AND_BACK) == pytest.approx(200)
    assert watches((12.9, "silent"), changes=GONE_AND_BACK) == pytest.approx(2300)


def test_a_monitor_may_be_a_little_late_and_no_more() -> None:
    assert watches((10.59, "reset"), (13.05, "reset"), changes=GONE_AND_BACK) == pytest.approx(50)
    assert watches((10.1, "reset"), changes=GONE_AND_BACK) == pytest.approx(500)


def test_a_vip_whose_watches_all_live_on_says_so() -> None:
    assert watches(changes=GONE_AND_BACK) is None
    assert watches((9.9, "reset"), (20.1, "reset"), changes=GONE_AND_BACK) is None
    assert watches((10.65, "reset"), changes=()) is None


def test_a_vip_that_left_and_that_nobody_took_counts_as_well() -> None:
    given_up = moves((10.5, "lb1", False), (13, "lb1", True))
    assert watches((10.6, "reset"), changes=given_up) == pytest.approx(100)


def test_a_vip_that_did_not_move_says_so() -> None:
    numbers = measure(seen(attempts(9, 20)))
    assert (numbers.moved_ms, numbers.back_ms, numbers.transitions, numbers.one_holder_ms) == (None, None, 0, 0)


def test_a_move_after_the_cure_is_not_the_faults() -> None:
    assert measure(seen(attempts(9, 20), moves((13, "lb1", False), (13, "lb2", True)))).moved_ms is None


def test_one_holder_for_good_never_comes_when_two_are_left() -> None:
    assert settled(timeline(moves((13, "lb2", True)), VIP, ("lb1",), 10, 20), 12) is None


def test_service_is_back_where_the_last_unbroken_run_begins() -> None:
    assert served_from(attempts(10, 20, [(10, 13), (14, 14.5)])) == 14.5
    assert served_from(attempts(10, 20, [(19, 20)])) is None
    assert measure(seen(attempts(9, 20, [(10, 14)]))).served_ms == pytest.approx(1900)


def test_of_several_vips_the_worst_counts() -> None:
    other = [Attempt("10.0.0.5", a.start, a.end, a.error) for a in attempts(9, 20, [(10, 11)])]
    both = Seen(
        "lb1",
        Spans(10, 10.002, 12, 12.1, 20),
        ((VIP, ("lb1",)), ("10.0.0.5", ("lb2",))),
        (*attempts(9, 20), *other),
        (),
        (),
    )
    assert measure(both).outage_ms == 1000


def test_a_client_that_was_held_up_is_told() -> None:
    assert measure(seen([*attempts(10, 10.2), *attempts(10.25, 20)])).gap_ms == pytest.approx(60)


def test_watches_that_broke_during_the_fault_are_counted() -> None:
    broken = (Broken(9, VIP, "reset"), Broken(11, VIP, "reset"), Broken(13, VIP, "silent"))
    numbers = measure(Seen("lb1", Spans(10, 10.002, 12, 12.1, 20), ((VIP, ("lb1",)),), (), (), broken))
    assert (numbers.watches_reset, numbers.watches_silent) == (1, 1)
