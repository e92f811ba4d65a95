"""Another config may ask something else under the same name, and what was asked before tells nothing of that."""

from __future__ import annotations

from dataclasses import replace as part

import pytest

from halbd.decide.look import look
from halbd.decide.probing import EXCUSED
from halbd.decide.step import step
from halbd.decide.verdict import active_targets, longest_age
from halbd.model.child import Program
from halbd.model.config import Config
from halbd.model.effects import MarkGood, Probe, WriteLook
from halbd.model.events import (
    ConfigApplied,
    ConfigRejected,
    Event,
    Exited,
    Installed,
    ProbeDone,
    Spawned,
    TakenUp,
    TakingUp,
    Tick,
)
from halbd.model.evidence import ProbeResult, Streak, Target
from halbd.model.state import State
from tests.decide.driver import Driver, of, running
from tests.sample import config

LOCAL = "local/kube-apiserver"
OTHER = "local/konnectivity"


def two(port: int = 6443, fall: int = 1, **more: object) -> Config:
    """Two frontends, of which the first listens there."""
    servers = ["10.10.50.11:6443"]
    frontends = [{"name": "kube-apiserver", "port": port}, {"name": "konnectivity", "port": 8132}]
    return config(frontends=[one | {"servers": servers} for one in frontends], health={"fall": fall}, **more)


BEFORE, AFTER = two(), two(7443)


def answered(node: Driver, target: Target, *, ok: bool, connected: bool = False) -> list[str]:
    """Answer this question; what speaks against the node then."""
    status, error = (200, "") if ok else (None, "no answer")
    node.post(ProbeDone(ProbeResult(target, ok, ok or connected, status, node.latency, node.now, error)))
    return node.causes


def asked(node: Driver) -> None:
    """Wait until everything is asked."""
    node.wait(1)
    assert all(one.asking for one in node.state.series.values())


@pytest.mark.parametrize("ok", [False, True])
def test_an_answer_to_a_question_of_before_is_none_and_the_new_one_is_asked_at_once(*, ok: bool) -> None:
    node = running(BEFORE)
    asked(node)
    before = node.target(LOCAL)
    node.post(Installed(AFTER), TakenUp(), ConfigApplied(AFTER))
    done = node.post(ProbeDone(ProbeResult(before, ok, ok, 200 if ok else None, node.latency, node.now, "")))
    assert [one.target.port for one in of(Probe, done)] == [7443]
    after = node.state.series[LOCAL]
    assert (after.streak, after.last) == (Streak(up=True), None)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


def test_another_question_is_asked_at_once_and_what_was_well_is_so_for_as_long_as_an_answer_may_take() -> None:
    node = running(BEFORE)
    assert not node.state.series[LOCAL].asking
    last = node.state.series[OTHER].last
    done = node.post(Installed(AFTER), TakenUp())
    assert [one.target.port for one in of(Probe, done)] == [7443]
    assert node.state.series[OTHER].last is last
    assert node.verdict.ok
    node.wait(longest_age(node.state))
    answered(node, node.target(OTHER), ok=True)
    assert node.verdict.ok
    node.wait(0.01)
    assert node.verdict.stale


def test_what_the_proxy_has_taken_up_is_asked_while_keepalived_has_still_to_be_told() -> None:
    """And written down for halbd-check, should the daemon die just then."""
    node = running(BEFORE, holder=True)
    node.post(Installed(AFTER))
    assert [one.port for one in active_targets(node.state)] == [6443, 8132, 6443, 8132]
    assert of(WriteLook, node.post(TakenUp()))
    assert node.state.config == BEFORE
    assert [one.port for one in active_targets(node.state)] == [7443, 8132, 7443, 8132]
    assert look(node.state)["probes"] == look(running(AFTER).state)["probes"]
    node.live(5)
    assert node.verdict.ok
    assert of(WriteLook, node.post(ConfigApplied(AFTER)))
    assert (node.state.serves, node.state.installed) == (None, None)
    node.live(5)
    assert node.verdict.ok


@pytest.mark.parametrize(
    "late",
    [
        (Installed(AFTER), TakenUp(), ConfigApplied(AFTER), TakenUp()),
        (Installed(AFTER), TakenUp(), TakenUp(), ConfigApplied(AFTER)),
        (Installed(AFTER), ConfigApplied(AFTER), TakenUp()),
    ],
)
def test_one_that_was_started_meanwhile_may_tell_of_it_at_any_time(late: tuple[Event, ...]) -> None:
    node = running(BEFORE)
    node.post(*late)
    assert [one.port for one in active_targets(node.state)] == [7443, 8132]
    assert node.state.changing is None


def test_one_that_was_started_in_the_middle_serves_the_files_that_it_finds() -> None:
    node = running(BEFORE)
    node.post(Installed(AFTER), TakenUp())
    node.died()
    node.wait(1)
    node.post(Spawned(Program.PROXY, 101, 1))
    assert [one.port for one in active_targets(node.state)] == [7443, 8132]
    node.post(Installed(BEFORE), ConfigRejected(("keepalived could not be told",)))
    node.died(101)
    node.wait(1)
    node.post(Spawned(Program.PROXY, 102, 1))
    assert [one.port for one in active_targets(node.state)] == [6443, 8132]


@pytest.mark.parametrize(
    "meanwhile",
    [
        (TakenUp(),),
        (Exited(Program.PROXY, 100, "killed by SIGKILL", 0.0), Tick(), Spawned(Program.PROXY, 101, 1), TakenUp()),
    ],
)
def test_one_that_was_started_while_the_files_are_judged_serves_those_of_before(meanwhile: tuple[Event, ...]) -> None:
    """Judging takes seconds, and may end in a refusal."""
    node = running(BEFORE)
    node.post(TakingUp(AFTER), *meanwhile)
    assert [one.port for one in active_targets(node.state)] == [6443, 8132]
    rejected = part_of(node, ConfigRejected(("the port is taken",)))
    assert [one.port for one in active_targets(rejected)] == [6443, 8132]
    accepted = part_of(node, Installed(AFTER))
    assert accepted.changing is not None, "and now it may leave a place"


def part_of(node: Driver, event: Event) -> State:
    """What would come of this event."""
    return step(node.state, event, node.now)[0]


def test_a_change_that_was_taken_back_leaves_nothing() -> None:
    node = running(BEFORE)
    node.post(Installed(AFTER), TakenUp(), Installed(BEFORE), TakenUp(), ConfigRejected(("no",)))
    assert (node.state.serves, node.state.installed, node.state.changing) == (None, None, None)


def test_failures_in_one_place_are_none_in_another() -> None:
    node = running(two(fall=3))
    for _ in range(2):
        asked(node)
        answered(node, node.target(LOCAL), ok=False)
    node.post(Installed(two(7443, fall=3)), TakenUp())
    assert node.state.series[LOCAL].streak == Streak(up=True)
    for _ in range(2):
        assert answered(node, node.target(LOCAL), ok=False) == []
        node.wait(1)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


def test_what_failed_in_one_place_must_prove_itself_in_another() -> None:
    node = running(two())
    for ok in (False, True):
        asked(node)
        answered(node, node.target(LOCAL), ok=ok)
    node.post(Installed(AFTER), TakenUp())
    for _ in range(node.state.config.health.rise - 1):
        assert answered(node, node.target(LOCAL), ok=True) == ["local_probe"]
        node.wait(1)
    assert answered(node, node.target(LOCAL), ok=True) == []


def test_two_changes_in_a_row_are_asked_about_at_once() -> None:
    node = running(BEFORE)
    node.post(Installed(AFTER), TakenUp())
    first = node.target(LOCAL)
    node.post(Installed(two(8443)), TakenUp())
    done = node.post(ProbeDone(ProbeResult(first, False, False, None, node.latency, node.now, "no")))
    assert [one.target.port for one in of(Probe, done)] == [8443]


def test_an_answer_to_a_question_of_before_makes_nothing_good() -> None:
    node = Driver(BEFORE)
    node.spawned()
    before = node.target(LOCAL)
    node.post(Installed(AFTER), TakenUp())
    assert of(MarkGood, node.post(ProbeDone(ProbeResult(before, True, True, 200, 0.01, node.now, "")))) == []
    node.live(1)
    assert len(of(MarkGood, node.effects)) == 1


def test_a_vip_that_keepalived_has_not_been_told_of_is_not_asked_through() -> None:
    node = running(BEFORE, holder=True)
    node.post(Installed(two(vips=[{"address": "10.10.50.5"}])), TakenUp())
    assert [one.name for one in active_targets(node.state)] == [LOCAL, OTHER]
    node.post(ConfigRejected(("keepalived could not be told",)))
    assert [one.name for one in active_targets(node.state)] == [LOCAL, OTHER], "the proxy still serves it"
    node.post(TakenUp())
    assert len(active_targets(node.state)) == 4


def test_a_proxy_that_is_told_may_have_left_a_place_already() -> None:
    node = running(BEFORE)
    node.post(TakingUp(AFTER))
    asked(node)
    assert answered(node, node.target(LOCAL), ok=False) == []
    series = node.state.series[LOCAL]
    assert series.last is not None
    assert (series.last.ok, series.asking, series.streak.up) == (False, False, True)
    assert answered(node, node.target(OTHER), ok=False) == ["local_probe"], "that one stays, and fails"


def test_a_refusal_that_is_excused_is_an_answer_all_the_same_and_no_reason_to_look_for_oneself() -> None:
    node = running(BEFORE)
    node.post(TakingUp(AFTER))
    for _ in range(10):
        asked(node)
        answered(node, node.target(LOCAL), ok=False)
        answered(node, node.target(OTHER), ok=True)
        assert node.verdict.ok


def test_a_proxy_that_takes_the_connection_and_gives_no_answer_has_not_left() -> None:
    node = running(two(fall=2))
    node.post(TakingUp(two(7443, fall=2)))
    for _ in range(2):
        asked(node)
        answered(node, node.target(LOCAL), ok=False, connected=True)
    assert node.state.series[LOCAL].streak.up is False


@pytest.mark.parametrize("more", [{"port": 6443, "vips": [{"address": "10.10.50.5"}]}, {"port": 6443, "fall": 3}])
def test_where_the_place_is_the_same_nothing_is_excused(more: dict[str, int]) -> None:
    node = running(BEFORE)
    node.post(TakingUp(two(**more)))
    asked(node)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


@pytest.mark.parametrize("end", [(Installed(BEFORE), TakenUp()), (ConfigRejected(("no",)),)])
def test_a_change_that_is_over_excuses_nothing(end: tuple[Event, ...]) -> None:
    node = running(BEFORE)
    node.post(TakingUp(AFTER), *end)
    asked(node)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


def test_a_change_that_never_ends_excuses_nothing_for_ever() -> None:
    node = running(BEFORE)
    node.post(TakingUp(AFTER))
    node.live(EXCUSED - 1)
    asked(node)
    node.mono -= 0.001
    assert answered(node, node.target(LOCAL), ok=False) == []
    node.mono += 0.001
    answered(node, node.target(OTHER), ok=True)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


@pytest.mark.parametrize("first", [(TakingUp(AFTER),), (Installed(AFTER), TakenUp())])
def test_a_change_that_is_taken_back_excuses_what_either_may_have_cost(first: tuple[Event, ...]) -> None:
    node = running(BEFORE)
    node.post(*first, Installed(BEFORE))
    asked(node)
    assert answered(node, node.target(LOCAL), ok=False) == []
    assert answered(node, node.target(OTHER), ok=False) == ["local_probe"]


def test_a_proxy_that_was_found_behind_is_not_blamed_for_what_it_has_not_taken_up() -> None:
    """Nor is it well; and halbd-check goes on looking in the places that an earlier daemon has written down."""
    node = Driver(BEFORE)
    done = node.post(
        Spawned(Program.PROXY, 100, 1, adopted=True, behind=True),
        ConfigApplied(BEFORE),
        ConfigRejected(("line 3: nodes: is missing",)),
    )
    assert of(WriteLook, done) == []
    assert answered(node, node.target(LOCAL), ok=False) == []
    assert (node.state.series[LOCAL].last, node.state.series[LOCAL].asking) == (None, False)
    assert node.verdict.stale
    assert of(WriteLook, node.post(TakenUp()))
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


def test_one_that_was_found_behind_is_blamed_after_a_while() -> None:
    node = Driver(BEFORE)
    node.post(Spawned(Program.PROXY, 100, 1, adopted=True, behind=True), ConfigApplied(BEFORE))
    node.wait(EXCUSED - 0.001)
    assert answered(node, node.target(LOCAL), ok=False) == []
    node.wait(0.001)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


def handed_over(*, adopted: bool = True) -> Driver:
    """Well on one frontend of two, when another process takes the place of the first."""
    node = running(two(fall=2))
    for _ in range(2):
        asked(node)
        answered(node, node.target(LOCAL), ok=True)
        answered(node, node.target(OTHER), ok=False)
    assert node.causes == ["local_probe"]
    node.post(Spawned(Program.PROXY, 101, 1, adopted=adopted))
    return node


def test_at_a_hand_over_what_was_well_stays_so_until_it_fails_as_often_as_it_may() -> None:
    node = handed_over()
    assert node.state.series[LOCAL].streak.up is True
    assert node.state.series[OTHER].streak == Streak()
    assert all(one.asking for one in node.state.series.values()), "both are asked at once"
    assert answered(node, node.target(OTHER), ok=True) == []
    assert answered(node, node.target(LOCAL), ok=False) == []
    assert node.verdict.ok
    node.wait(1)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]


def test_a_question_that_is_under_way_at_a_hand_over_is_not_asked_twice_at_once() -> None:
    node = running(BEFORE)
    asked(node)
    done = node.post(Spawned(Program.PROXY, 101, 1, adopted=True))
    assert of(Probe, done) == []
    done = node.post(ProbeDone(ProbeResult(node.target(LOCAL), True, True, 200, node.latency, node.now, "")))
    assert [one.target.name for one in of(Probe, done)] == [LOCAL]


def test_one_that_is_started_where_another_is_believed_to_run_is_no_hand_over() -> None:
    assert {one.streak.up for one in handed_over(adopted=False).state.series.values()} == {None}


def test_an_answer_that_lay_waiting_is_told_by_the_time_that_its_own_question_had() -> None:
    patient = part(AFTER, health=part(AFTER.health, timeout=3.0))
    node = running(BEFORE)
    node.post(Installed(patient), TakenUp())
    node.latency = 3.5
    asked(node)
    assert answered(node, node.target(LOCAL), ok=False) == ["local_probe"]
