"""The log lines of the loop, field by field: what the person on call reads."""

from __future__ import annotations

from ipaddress import ip_address

from halbd.model.child import Program
from halbd.model.config import LogLevel
from halbd.model.effects import DumpAddresses, Effect, Say, StartKeepalivedUnit
from halbd.model.events import (
    AddressesDumped,
    ConfigApplied,
    ConfigRejected,
    ConnectionsEnded,
    DrainRequested,
    Exited,
    FilesMended,
    KeepalivedSeen,
    ProbeDone,
    Spawned,
    StopRequested,
    UndrainRequested,
    UpgradeFailed,
)
from halbd.model.evidence import ProbeResult
from halbd.model.maintenance import Outcome
from tests.decide.driver import BEGIN, Driver, of, running
from tests.decide.wire import PEER, STRANGER, wired
from tests.sample import config


def said(done: list[Effect], event: str) -> list[tuple[LogLevel, object]]:
    return [(one.level, dict(one.fields)) for one in of(Say, done) if one.event == event]


def test_a_death_says_how_and_when_it_is_started_again() -> None:
    node = running()
    fields = {"how": "killed by SIGKILL", "restart_in_s": 0.172}
    done = node.post(Exited(Program.PROXY, 100, "killed by SIGKILL", 0.5555))
    assert said(done, "proxy.exited") == [(LogLevel.ERROR, fields)]


def test_a_death_that_was_asked_for_is_no_error() -> None:
    node = running()
    node.post(StopRequested())
    done = node.post(Exited(Program.PROXY, 100, "exited with code 0", 0.0))
    assert said(done, "proxy.exited") == [(LogLevel.INFO, {"how": "exited with code 0", "restart_in_s": None})]


def test_a_start_says_its_pid_and_whether_it_was_adopted() -> None:
    node = Driver()
    done = node.post(Spawned(Program.PROXY, 7, 1)) + node.post(Spawned(Program.KEEPALIVED, 8, 1, adopted=True))
    assert said(done, "proxy.started") == [(LogLevel.INFO, {"pid": 7, "restarts": 0})]
    assert said(done, "keepalived.adopted") == [(LogLevel.INFO, {"pid": 8, "restarts": 0})]


def test_a_keepalived_that_systemd_has_lost_is_an_error_once() -> None:
    node = Driver(child=False)
    assert said(node.post(KeepalivedSeen(None)), "keepalived.gone") == [], "it was never there"
    node.post(KeepalivedSeen(7))
    done = node.post(KeepalivedSeen(None, failed=True))
    assert said(done, "keepalived.gone") == [(LogLevel.ERROR, {"pid": 7, "failed": True})]
    assert len(of(StartKeepalivedUnit, done)) == 1
    assert said(node.post(KeepalivedSeen(None)), "keepalived.gone") == []


def test_a_dump_says_what_made_it_necessary() -> None:
    node = Driver()
    assert of(DumpAddresses, node.post(ConfigApplied(node.state.config))) == [DumpAddresses("found when halbd started")]
    assert of(DumpAddresses, node.post(ConfigApplied(node.state.config))) == [
        DumpAddresses("found when the config was applied")
    ]


def test_a_dump_that_finds_two_vips_records_both_with_their_interfaces() -> None:
    vips = [{"address": "10.10.50.4"}, {"address": "10.10.50.5", "interface": "eth1"}]
    node = running(config(vips=vips))
    here = frozenset({(ip_address("10.10.50.4"), "eth0"), (ip_address("10.10.50.5"), "eth1")})
    node.post(AddressesDumped(here, "found after a netlink overrun"))
    assert [(str(one.vip), one.interface) for one in node.state.transitions] == [
        ("10.10.50.4", "eth0"),
        ("10.10.50.5", "eth1"),
    ]


def test_what_was_put_right_says_which_files_and_when() -> None:
    node = running()
    done = node.post(FilesMended(("lds.json",), "/kept", "no"))
    fields = {"files": ["lds.json"], "kept": "/kept", "complaint": "no", "times": 1}
    assert said(done, "generation.mended") == [(LogLevel.ERROR, fields)]
    mended = node.state.mended
    assert mended is not None
    assert (mended.at, mended.files, mended.kept) == (node.now.wall, ("lds.json",), "/kept")


def test_a_config_that_was_refused_says_why() -> None:
    done = running().post(ConfigRejected(("line 3: nodes: is missing",)))
    assert said(done, "config.rejected") == [(LogLevel.ERROR, {"problems": ["line 3: nodes: is missing"]})]


def test_an_upgrade_that_failed_says_why() -> None:
    done = running().post(UpgradeFailed("cannot execute it"))
    assert said(done, "halbd.upgrade_failed") == [(LogLevel.ERROR, {"why": "cannot execute it"})]


def test_a_question_that_could_not_be_asked_says_which_and_why() -> None:
    node = running()
    node.wait(1)
    name, why = "local/kube-apiserver", "too many open files"
    done = node.post(ProbeDone(ProbeResult(node.target(name), False, False, None, 0, node.now, why, ours=True)))
    assert said(done, "probe.not_asked") == [(LogLevel.ERROR, {"name": name, "why": why})]


def test_a_verdict_that_says_no_is_a_warning_and_one_that_says_yes_is_not() -> None:
    node = running()
    reasons = ["proxy_dead: haproxy does not run: killed by SIGKILL"]
    fields = {"may_hold_vip": False, "stale": False, "reasons": reasons}
    assert said(node.died(), "verdict.changed") == [(LogLevel.WARNING, fields)]
    node.wait(1)
    node.spawned(101)
    node.effects.clear()
    node.live(3)
    assert said(node.effects, "verdict.changed")[-1] == (LogLevel.INFO, fields | {"may_hold_vip": True, "reasons": []})


def test_two_masters_are_told_with_the_name_of_the_other() -> None:
    wire = wired(holder=True)
    wire.speaking[PEER] = 253
    fields = {"vip": "10.10.50.4", "other": "lb2", "priority": 253}
    assert said(wire.live(20), "vrrp.two_masters") == [(LogLevel.ERROR, fields)]


def test_a_stranger_is_told_with_its_address() -> None:
    wire = wired(holder=True)
    wire.speaking = {STRANGER: 255}
    fields = {"source": str(STRANGER), "interface": "eth0", "virtual_router_id": 4}
    assert said(wire.live(10), "vrrp.stranger") == [(LogLevel.WARNING, fields)]


def test_ended_connections_are_counted_and_none_is_no_news() -> None:
    node = running()
    fields = {"address": "10.10.50.4", "ended": 5, "poked": 0}
    done = node.post(ConnectionsEnded(node.vip, 5, ()))
    assert said(done, "connections.ended") == [(LogLevel.INFO, fields)]
    assert said(node.post(ConnectionsEnded(node.vip, 0, ())), "connections.ended") == []
    done = node.post(ConnectionsEnded(node.vip, 0, (), "Operation not permitted"))
    fields = {"address": "10.10.50.4", "ended": 0, "poked": 0}
    assert said(done, "connections.not_ended") == [(LogLevel.WARNING, fields | {"why": "Operation not permitted"})]


def test_a_drain_says_how_it_went_and_how_it_ended() -> None:
    node = running(holder=True)
    node.post(DrainRequested(BEGIN, None, force=False, number=1))
    node.wait(0.7)
    done = node.hold(present=False)
    assert said(done, "maintenance.drained") == [(LogLevel.WARNING, {"outcome": Outcome.MOVED.value, "after_ms": 700})]
    done = node.post(UndrainRequested())
    assert said(done, "maintenance.ended") == [(LogLevel.WARNING, {"outcome": Outcome.UNDRAINED.value})]
