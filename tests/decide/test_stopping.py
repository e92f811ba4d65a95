"""SIGTERM: the VIP leaves first, then the programs stop, then the daemon."""

from __future__ import annotations

from dataclasses import replace
from signal import Signals

from halbd.decide.guard import DELAYS
from halbd.decide.handover import offer_time
from halbd.decide.stopping import WITHDRAW
from halbd.model.child import Program
from halbd.model.effects import Effect, Finish, RemoveAddress, Say, Signal, Spawn, TakeUp
from halbd.model.events import ConnectionsEnded, Exited, KeepalivedLooked, StopRequested, Tick
from halbd.model.guard import Mending, Sign, Wrong
from tests.decide.driver import Driver, of, pushes, running
from tests.sample import config


def gone(node: Driver) -> list[object]:
    done: list[object] = []
    for program, pid in ((Program.KEEPALIVED, 200), (Program.PROXY, 100)):
        done += node.post(Exited(program, pid, "exited with code 0", 0.0))
    return done


def test_a_holder_offers_the_vip_before_it_withdraws() -> None:
    node = running(holder=True)
    done = node.post(StopRequested())
    assert pushes(done) == {"no_servers.lb1": 2}, "lowered, and not yet at fault: a peer takes over first"
    done = node.hold(present=False)
    assert pushes(done) == {"fault": 1}
    assert of(Signal, done) == [], "the proxy must not take its connections with it before their clients are told"
    done = node.post(ConnectionsEnded(node.vip, 1, ()))
    assert {s.program for s in of(Signal, done)} == {Program.PROXY, Program.KEEPALIVED}


def test_a_keepalived_that_would_not_hear_of_the_offer_is_told_to_look_for_the_files_first() -> None:
    """A daemon that has just begun has looked once or twice, which is not enough where there is no hurry."""
    node = running(holder=True)
    node.post(KeepalivedLooked(200, frozenset({Sign.DEAF}), 0))
    assert of(TakeUp, node.effects) == []
    done = node.post(StopRequested())
    assert of(TakeUp, done) == [TakeUp(Program.KEEPALIVED)]
    assert [said.event for said in of(Say, done)] == ["keepalived.deaf"]
    assert of(TakeUp, node.post(StopRequested())) == []


def test_a_standby_s_keepalived_may_be_just_starting_and_would_be_ended_by_that() -> None:
    node = running()
    node.post(KeepalivedLooked(200, frozenset({Sign.DEAF}), 0))
    assert of(TakeUp, node.post(StopRequested())) == []


def test_when_nobody_takes_the_offer_the_verdict_is_withdrawn() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    done = node.wait(offer_time(node.state.config) + 0.01)
    assert pushes(done)["fault"] == 1
    assert of(Signal, done) == []
    done = node.wait(WITHDRAW + 0.01)
    assert [s.signal for s in of(Signal, done)] == [Signals.SIGTERM, Signals.SIGTERM]
    assert any(isinstance(effect, Finish) for effect in gone(node))


def test_a_standby_stops_at_once_and_starts_nothing_again() -> None:
    node = running()
    done = node.post(StopRequested())
    assert len(of(Signal, done)) == 2
    finish = gone(node)
    assert any(isinstance(effect, Finish) for effect in finish)
    assert of(Spawn, node.wait(60)) == []


def test_without_a_way_to_offer_the_verdict_is_withdrawn_at_once() -> None:
    node = running(config(health={"on_no_servers": "ignore"}, vrrp={"preempt": False}), holder=True)
    assert pushes(node.post(StopRequested())) == {"fault": 1}


def test_a_proxy_that_is_already_dead_does_not_hold_up_the_stop() -> None:
    node = running()
    node.died()
    node.post(StopRequested())
    done = node.post(Exited(Program.KEEPALIVED, 200, "exited with code 0", 0.0))
    assert of(Finish, done)


def test_a_second_sigterm_changes_nothing() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    stopping = node.state.stopping
    node.post(StopRequested(), Tick())
    assert node.state.stopping == stopping


def test_a_keepalived_that_systemd_runs_is_left_to_it() -> None:
    node = Driver(child=False)
    node.post(Tick())
    node.spawned()
    assert [s.program for s in of(Signal, node.post(StopRequested()))] == [Program.PROXY]
    assert of(Finish, node.died())


def test_the_end_waits_for_both_programs() -> None:
    node = running()
    assert of(Finish, node.post(StopRequested())) == []
    assert of(Finish, node.post(Exited(Program.PROXY, 100, "exited with code 0", 0.0))) == []
    assert of(Finish, node.post(Exited(Program.KEEPALIVED, 200, "exited with code 0", 0.0)))


def turning(node: Driver, seconds: float) -> list[Effect]:
    """Time passes, and the loop turns as it does: often enough for what is believed to stand."""
    done: list[Effect] = []
    for _ in range(round(seconds / 0.1)):
        done += node.wait(0.1) + node.post(Tick())
    return done


def test_what_a_dead_keepalived_has_left_goes_before_the_proxy_does() -> None:
    """Nobody else may be there to have it removed: then it would answer nobody, and stay."""
    node = running(holder=True)
    node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0), StopRequested())
    done = turning(node, offer_time(node.state.config) + DELAYS[Wrong.UNFIT] + 0.3)
    assert of(RemoveAddress, done) == [RemoveAddress(node.vip, "eth0")]
    assert of(Signal, done) == []
    node.hold(present=False)
    done = node.post(ConnectionsEnded(node.vip, 1, ()))
    assert [one.program for one in of(Signal, done)] == [Program.PROXY]


def test_a_removal_that_somebody_undoes_is_tried_as_often_as_the_stop_allows() -> None:
    """However long the rests had become before."""
    node = running(holder=True)
    mended = {(node.vip, "eth0"): Mending(Wrong.STALE, "as before", node.mono, count=10)}
    node.state = replace(node.state, guard=replace(node.state.guard, mended=mended))
    node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0), StopRequested())
    done = turning(node, offer_time(node.state.config) + WITHDRAW - 0.2)
    assert len(of(RemoveAddress, done)) == 3
