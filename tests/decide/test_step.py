"""What the owner does with each event, beyond the verdict."""

from __future__ import annotations

from dataclasses import replace as part
from signal import Signals

import pytest

from halbd.decide.step import KEEPALIVED_INTERVAL
from halbd.model.child import Program
from halbd.model.effects import (
    DumpAddresses,
    Effect,
    FallBack,
    LookAtKeepalived,
    MarkGood,
    Probe,
    Say,
    Signal,
    Spawn,
    StartKeepalivedUnit,
    TakeUp,
    WriteLook,
)
from halbd.model.events import (
    ConfigApplied,
    ConfigRejected,
    Exited,
    KeepalivedSeen,
    ProbeDone,
    ProxySilent,
    Spawned,
    StopRequested,
    TakenUp,
    Tick,
)
from halbd.model.evidence import ProbeResult
from tests.decide.driver import Driver, asked, of, running
from tests.sample import config


def test_the_first_tick_starts_both_programs() -> None:
    assert {spawn.program for spawn in of(Spawn, Driver().post(Tick()))} == {Program.PROXY, Program.KEEPALIVED}


def test_a_proxy_that_never_served_a_generation_which_never_worked_is_a_reason_to_fall_back() -> None:
    node = Driver()
    node.post(Spawned(Program.PROXY, 100, 1), ConfigApplied(node.state.config))
    node.wait(1)
    node.answer()
    assert not of(MarkGood, node.effects), "one of its frontends answers; the proxy has not taken up all of it"
    (effect,) = of(FallBack, node.post(Exited(Program.PROXY, 100, "exited with code 1: cannot bind", 0.0)))
    assert effect.why == "exited with code 1: cannot bind"
    assert not of(FallBack, node.post(Exited(Program.PROXY, 100, "told twice", 0.0)))
    node.spawned(101)
    assert not of(FallBack, node.post(Exited(Program.PROXY, 101, "killed by SIGKILL", 0.0))), "it served"
    node.spawned(102)
    node.live(3)
    assert of(MarkGood, node.effects)
    node.post(Exited(Program.PROXY, 102, "killed by SIGKILL", 0.0), Spawned(Program.PROXY, 103, 1))
    assert not of(FallBack, node.post(Exited(Program.PROXY, 103, "exited with code 1", 0.0))), "that generation worked"


def test_a_keepalived_or_a_proxy_that_ends_at_a_stop_is_no_reason_to_fall_back() -> None:
    node = Driver()
    node.post(Spawned(Program.PROXY, 100, 1), Spawned(Program.KEEPALIVED, 200, 1), ConfigApplied(node.state.config))
    assert not of(FallBack, node.post(Exited(Program.KEEPALIVED, 200, "exited with code 1", 0.0)))
    node.post(StopRequested())
    assert not of(FallBack, node.post(Exited(Program.PROXY, 100, "exited with code 0", 0.0)))


def test_a_proxy_that_was_found_behind_makes_nothing_good_until_it_has_taken_that_up() -> None:
    node = Driver()
    node.post(Spawned(Program.PROXY, 100, 1, adopted=True, behind=True), ConfigApplied(node.state.config))
    node.live(3)
    assert not of(MarkGood, node.effects)
    node.post(TakenUp())
    node.live(3)
    assert of(MarkGood, node.effects)


def test_where_systemd_runs_keepalived_it_is_asked_now_and_then() -> None:
    node = Driver(child=False)
    node.state = type(node.state)(node.state.config, node.now, keepalived_is_unit=True, pushed=node.state.pushed)
    assert [s.program for s in of(Spawn, node.post(Tick()))] == [Program.PROXY]
    assert len(of(LookAtKeepalived, node.wait(KEEPALIVED_INTERVAL + 0.1))) == 1
    node.post(KeepalivedSeen(77))
    assert node.state.keepalived.running
    node.post(KeepalivedSeen(None))
    assert not node.state.keepalived.running


def test_a_started_proxy_is_noted_for_halbd_check_and_asked_when_it_had_time_to_open_its_ports() -> None:
    node = Driver()
    node.post(Tick())
    done = node.post(Spawned(Program.PROXY, 100, 1))
    assert of(WriteLook, done)
    assert asked(done) == []
    assert asked(node.wait(0.2)) == ["local/kube-apiserver"]


@pytest.mark.parametrize("ok", [False, True])
def test_an_answer_that_waited_while_halbd_was_stopped_is_no_evidence(*, ok: bool) -> None:
    """SIGSTOP for a minute: what was asked before it is answered after it, with the time of then."""
    node = running()
    node.wait(1)
    node.mono += 60
    before = node.state.series["local/kube-apiserver"]
    status = 200 if ok else None
    done = node.post(ProbeDone(ProbeResult(node.target("local/kube-apiserver"), ok, True, status, 60, node.now, "")))
    assert node.verdict.stale
    after = node.state.series["local/kube-apiserver"]
    assert (after.streak, after.last) == (before.streak, before.last)
    assert asked(done) == ["local/kube-apiserver"], "asked anew at once"


def test_one_question_is_in_flight_for_each_target_and_they_keep_their_beat() -> None:
    node = running()
    done = node.wait(10)
    assert len(of(Probe, done)) == 1, "the first was never answered"
    before = len(of(Probe, node.effects))
    node.live(10)
    assert len(of(Probe, node.effects)) - before in {10, 11}


def test_the_verdict_is_said_once_when_it_changes_also_where_only_time_has_passed() -> None:
    node = running()
    said = [one.fields for one in of(Say, node.wait(20) + node.post(Tick())) if one.event == "verdict.changed"]
    assert said == [{"may_hold_vip": False, "stale": True, "reasons": []}], "nothing was answered"
    said = [one.fields for one in of(Say, _answered(node)) if one.event == "verdict.changed"]
    assert said == [{"may_hold_vip": True, "stale": False, "reasons": []}]


def _answered(node: Driver) -> list[Effect]:
    before = len(node.effects)
    node.live(3)
    return node.effects[before:]


def test_the_death_of_an_earlier_process_is_not_taken_for_this_one() -> None:
    node = running()
    node.post(Exited(Program.PROXY, 99, "killed", 0.0))
    assert node.state.proxy.running


def test_a_change_of_the_verdict_is_said_once() -> None:
    node = running()
    done = node.died()
    assert [s.event for s in of(Say, done)] == ["proxy.exited", "verdict.changed"]
    assert of(Say, node.wait(0.1)) == []


def test_a_rejected_config_is_kept_in_mind_until_one_is_applied() -> None:
    node = running()
    node.post(ConfigRejected(("line 3: nodes: is missing",)))
    assert node.state.rejected is not None
    node.post(ConfigApplied(node.state.config))
    assert node.state.rejected is None


def test_a_new_frontend_is_asked_and_a_removed_one_forgotten() -> None:
    node = running()
    two = config(frontends=[{"name": "ingress", "port": 443, "servers": ["10.10.50.11:443"]}])
    done = node.post(ConfigApplied(two))
    assert asked(done) == ["local/ingress"]
    assert list(node.state.series) == ["local/ingress"]


def test_the_first_good_answer_marks_a_generation_as_one_to_fall_back_to() -> None:
    node = Driver()
    node.post(Tick())
    node.spawned()
    node.live(5)
    assert len(of(MarkGood, node.effects)) == 1
    node.post(ConfigApplied(node.state.config))
    node.live(2)
    assert len(of(MarkGood, node.effects)) == 2


def test_an_answer_that_was_asked_for_under_an_earlier_generation_marks_none() -> None:
    """The programs were reloaded while the question was on its way."""
    node = running()
    node.wait(1)
    node.mono += 0.2
    node.post(ConfigApplied(node.state.config))
    node.mono += 0.1
    node.latency = 0.3
    node.effects.clear()
    node.answer()
    assert of(MarkGood, node.effects) == []
    node.latency = 0.01
    node.live(2)
    assert len(of(MarkGood, node.effects)) == 1


def test_an_adopted_program_on_an_older_generation_takes_up_the_one_in_force() -> None:
    node = Driver()
    done = node.post(Spawned(Program.PROXY, 100, 1, adopted=True, behind=True))
    assert of(TakeUp, done) == [TakeUp(Program.PROXY)]


def test_a_vip_that_is_no_longer_ours_is_forgotten_and_a_new_one_is_looked_for() -> None:
    node = running(holder=True)
    done = node.post(ConfigApplied(config(vips=[{"address": "10.10.50.5"}])))
    assert node.state.held == {}
    assert len(of(DumpAddresses, done)) == 1


def test_keepalived_that_goes_under_systemd_is_told() -> None:
    node = Driver(child=False)
    node.post(KeepalivedSeen(7))
    assert [s.event for s in of(Say, node.post(KeepalivedSeen(None)))] == ["keepalived.gone"]


def test_keepalived_that_failed_under_systemd_is_started_again_and_one_that_was_stopped_is_not() -> None:
    node = Driver(child=False)
    node.post(KeepalivedSeen(7))
    assert of(StartKeepalivedUnit, node.post(KeepalivedSeen(None, failed=True))) == [StartKeepalivedUnit()]
    assert of(StartKeepalivedUnit, node.post(KeepalivedSeen(None))) == []


def test_an_answer_for_a_target_that_is_gone_changes_nothing() -> None:
    node = running()
    before = node.state.series
    gone = part(node.target("local/kube-apiserver"), name="local/gone")
    node.post(ProbeDone(ProbeResult(gone, True, True, 200, 0.01, node.now, "")))
    assert node.state.series == before


def test_a_question_that_could_not_be_asked_is_no_evidence() -> None:
    """Out of descriptors: after a while the verdict is stale, which is not a no; and then it goes on."""
    node = running(holder=True)
    for _ in range(30):
        for name in [name for name, one in node.state.series.items() if one.asking]:
            why = "too many open files"
            node.post(ProbeDone(ProbeResult(node.target(name), False, False, None, 0, node.now, why, ours=True)))
        node.post(ProxySilent("too many open files", ours=True))
        node.wait(1)
    assert node.verdict.stale
    assert node.causes == []
    assert node.fault == 0
    node.live(2)
    assert node.verdict.ok


@pytest.mark.parametrize("program", list(Program))
def test_a_program_that_comes_up_during_a_stop_is_the_one_that_is_stopped(program: Program) -> None:
    node = Driver()
    node.post(Tick(), StopRequested())
    assert [(one.program, one.signal) for one in of(Signal, node.post(Spawned(program, 7, 1)))] == [
        (program, Signals.SIGTERM)
    ]


def test_a_frontend_that_is_new_has_to_be_asked_before_it_counts_as_well() -> None:
    node = running()
    second = {"name": "second", "port": 7443, "servers": ["10.10.50.11:7443"]}
    first = {"name": "kube-apiserver", "port": 6443, "servers": ["10.10.50.11:6443"]}
    node.post(ConfigApplied(config(frontends=[first, second])))
    assert node.state.series["local/second"].streak.up is None
