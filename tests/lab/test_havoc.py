from __future__ import annotations

import pytest

from halbd.lab.faults.catalog import FAULTS
from halbd.lab.havoc import judge
from halbd.lab.verdict import Finding

BY_NAME = {fault.name: fault for fault in FAULTS}
SAME = Finding("same proxy", "yes", "yes", ok=True)


@pytest.mark.parametrize("cost", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("fault", ["halbd-kill", "halbd-hang", "upgrade"])
def test_a_strike_at_the_daemon_alone_costs_no_transition_no_connection_and_no_watch(
    fault: str, cost: tuple[int, int, int]
) -> None:
    assert judge(BY_NAME[fault], True, [SAME], 0, 0, 0) == ()
    (words,) = judge(BY_NAME[fault], True, [SAME], *cost)
    assert words.startswith("it may cost nothing; ")


def test_a_strike_at_the_holder_may_cost_a_move_and_at_another_node_nothing() -> None:
    assert judge(BY_NAME["proxy-kill"], True, [], 4, 3, 2) == ()
    assert judge(BY_NAME["proxy-kill"], False, [], 0, 0, 1)


def test_what_a_lone_fault_saw_counts_whatever_it_cost() -> None:
    (words,) = judge(BY_NAME["stop"], True, [SAME, Finding("same halbd", "yes", "7 became 9", ok=False)], 2, 0, 0)
    assert words == "same halbd: wanted yes, got 7 became 9"
