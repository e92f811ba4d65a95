"""May this node hold the VIP: every row of the contract's table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from halbd.decide.timing import patience
from halbd.decide.verdict import longest_age
from halbd.model.child import Program
from halbd.model.effects import Push
from halbd.model.events import ProxySeen, ProxySilent, SpawnFailed, StopRequested, Tick
from tests.decide.driver import Driver, of, pushes, running, view
from tests.sample import config

TCP = [{"name": "a", "port": 6443, "servers": ["10.10.50.11:6443"], "check": {"scheme": "tcp"}}]


def test_a_node_that_is_well_may_hold_the_vip() -> None:
    node = running()
    assert node.verdict.ok
    assert node.verdict.healthy
    assert node.fault == 0


def test_before_the_first_answer_there_is_no_verdict_and_nothing_is_pushed() -> None:
    node = Driver()
    node.post(Tick())
    node.spawned(adopted=True)
    assert (node.verdict.stale, node.verdict.ok, node.fault) == (True, False, 1)


def test_a_dead_proxy_is_pushed_in_the_same_step() -> None:
    node = running(holder=True)
    done = node.died()
    assert pushes(done)["fault"] == 1
    assert node.causes == ["proxy_dead"]
    assert "killed by SIGKILL" in node.verdict.reasons[0].detail


def test_a_proxy_that_cannot_start_is_dead_with_its_reason() -> None:
    node = Driver()
    node.post(Tick(), SpawnFailed(Program.PROXY, "cannot find haproxy", 0.0))
    assert node.causes == ["proxy_dead"]
    assert "cannot find haproxy" in node.verdict.reasons[0].detail


def test_a_restarted_proxy_must_answer_rise_times_before_the_vip_may_return() -> None:
    node = running()
    node.died()
    node.wait(0.3)
    node.spawned(101)
    node.live(1.2)
    assert node.causes == ["local_probe"]
    assert node.fault == 1
    node.live(2)
    assert node.verdict.healthy
    assert node.fault == 0


def test_hung_needs_both_the_probe_and_the_admin_socket_to_be_silent_fall_times() -> None:
    node = running()
    node.live(2.5, ok=False, silent=True)
    assert node.causes == ["proxy_hung"]
    assert node.fault == 1


@pytest.mark.parametrize("tcp", [False, True])
def test_a_proxy_that_hung_must_answer_rise_times_before_it_counts_again(*, tcp: bool) -> None:
    node = running(config(frontends=TCP) if tcp else config())
    node.live(4, ok=tcp, silent=True)
    assert node.causes == ["proxy_hung"]
    node.post(ProxySilent("no answer"))
    assert [series.streak.run for series in node.state.series.values()] == [0], "it begins to prove itself anew"
    node.live(1)
    assert node.causes == ["local_probe"], "one answer of its admin socket is not rise"
    node.live(2)
    assert node.verdict.healthy


def test_a_proxy_that_hangs_during_an_outage_is_told_from_one_that_only_has_no_server() -> None:
    node = Driver(config(health={"on_no_servers": "ignore"}))
    node.post(Tick())
    node.spawned(adopted=True)
    node.look(up=0)
    node.live(20, ok=False, up=0)
    node.live(10, ok=False, silent=True)
    assert node.causes == ["no_servers"], "it ends each connection at once, and only its admin socket is silent"
    node.latency = node.state.config.health.timeout
    node.live(2, ok=False, silent=True)
    assert node.causes == ["proxy_hung"]
    node.live(4)
    assert node.verdict.healthy


def test_an_admin_socket_that_is_silent_alone_is_no_fault() -> None:
    node = running()
    node.live(10, silent=True)
    assert node.verdict.ok


def test_a_refused_connection_is_the_proxys_own_fault_after_fall() -> None:
    node = running()
    node.live(1, ok=False, connected=False)
    assert node.verdict.ok, "one failure is not fall"
    node.live(1, ok=False, connected=False)
    assert node.causes == ["local_probe"]


def test_a_failing_answer_is_laid_on_servers_until_the_proxy_had_time_to_drop_them() -> None:
    node = running()
    node.live(patience(node.state.config) - 1, ok=False)
    assert node.verdict.ok
    node.live(3, ok=False)
    assert node.causes == ["local_probe"]


def test_a_blamed_probe_needs_rise_successes() -> None:
    node = running()
    node.live(patience(node.state.config) + 3, ok=False)
    node.live(2)
    assert node.causes == ["local_probe"]
    assert "answers again" in node.verdict.reasons[0].detail
    node.live(1)
    assert node.verdict.healthy


def test_no_server_up_is_never_this_nodes_fault_and_its_return_costs_nothing() -> None:
    node = running(holder=True)
    node.live(4, ok=False)
    node.live(30, ok=False, up=0)
    assert (node.causes, node.verdict.ok, node.verdict.healthy) == (["no_servers"], True, False)
    node.live(1, ok=False)
    node.live(10)
    assert node.causes == []
    assert [p.value for p in of(Push, node.effects) if p.name == "fault"] == [0], "written once, at the start"


def test_no_servers_fails_where_the_operator_wants_it() -> None:
    node = running(config(health={"on_no_servers": "fail"}), holder=True)
    node.live(2, ok=False, up=0)
    assert node.causes == ["no_servers"]
    assert node.fault == 1


def test_a_node_that_starts_into_an_outage_may_hold_the_vip_once_the_proxy_says_so() -> None:
    node = Driver()
    node.post(Tick())
    node.spawned()
    node.live(3, ok=False)
    assert node.causes == ["local_probe"], "not proven yet"
    node.live(3, ok=False, up=0)
    assert node.fault == 0
    node.live(3)
    assert node.fault == 0, "the servers' return does not take the VIP away"


def test_answers_that_are_too_old_count_as_missing() -> None:
    node = running()
    node.mono += longest_age(node.state) + 1
    assert (node.verdict.stale, node.verdict.ok) == (True, False)
    node.post(Tick())
    assert node.fault == 0, "a missing verdict pushes nothing"


def test_a_vip_held_without_any_answer_becomes_stale() -> None:
    node = running(holder=False)
    node.hold()
    for _ in range(6):
        node.wait(1)
        node.look()
        node.answer_one("local/kube-apiserver", ok=True)
    assert node.verdict.stale


def test_the_view_of_an_admin_socket_names_the_blind_frontends() -> None:
    node = running()
    node.post(ProxySeen(view(node.state.config, 0)))
    assert "kube-apiserver" in node.verdict.reasons[0].detail


def test_a_hung_proxy_behind_plain_tcp_is_seen_by_its_admin_socket_alone() -> None:
    """The kernel accepts connections for a process that is stopped."""
    node = running(config(frontends=TCP))
    node.live(3, silent=True)
    assert node.causes == ["proxy_hung"]


def test_a_daemon_that_starts_beside_a_running_proxy_has_no_verdict_until_it_has_looked() -> None:
    node = Driver()
    assert (node.verdict.stale, node.causes) == (True, [])
    node.post(Tick())
    assert (node.verdict.stale, node.causes) == (True, [])


def test_a_target_that_was_never_asked_is_missing_evidence() -> None:
    node = running()
    node.state = replace(node.state, series={})
    assert node.verdict.stale


def test_a_reason_says_since_when_it_fails() -> None:
    node = running()
    begun = node.now.wall
    for _ in range(5):
        node.wait(1)
        node.look()
        node.answer(ok=False, connected=False)
    (reason,) = node.verdict.reasons
    assert reason.detail == "local/kube-apiserver: no answer"
    assert timedelta() < reason.since - begun <= timedelta(seconds=1.2)


def test_an_answer_counts_for_three_intervals_and_the_time_it_may_take() -> None:
    node = running(config(health={"interval": 2, "timeout": 1.5}))
    assert longest_age(node.state) == 3 * 2 + 1.5


def test_a_proxy_that_is_being_stopped_is_dead_and_says_so() -> None:
    node = running()
    node.post(StopRequested())
    assert [reason.detail for reason in node.verdict.reasons] == [
        "halbd is being stopped",
        "haproxy does not run: it is being stopped",
    ]
