"""What each field of the status object says, value by value."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from halbd import __version__
from halbd.decide.status import check, stamp, status, transition
from halbd.model.child import Program
from halbd.model.events import (
    ConfigApplied,
    ConfigRejected,
    Exited,
    FilesMended,
    HistoryKept,
    KeepalivedSeen,
    ProbeDone,
    ProxyMute,
    ProxySeen,
    UpgradeFailed,
)
from halbd.model.evidence import FrontendView, ProbeResult, ProxyView, ServerState, ServerView
from tests.decide.driver import Driver, running
from tests.sample import config


def said(node: Driver) -> dict[str, Any]:
    return status(node.state, node.now)


def after(node: Driver, seconds: float) -> str:
    """The stamp of a moment, in seconds from the driver's begin."""
    return stamp(node.now.wall + timedelta(seconds=1000 + seconds - node.mono))


def test_a_stamp_is_utc_with_microseconds() -> None:
    moment = datetime(2026, 3, 1, 1, 2, 3, 45, tzinfo=timezone(timedelta(hours=2)))
    assert stamp(moment) == "2026-02-28T23:02:03.000045Z"


def test_a_stamp_is_utc_on_a_machine_that_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as here:
        here.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        assert stamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
    time.tzset()


def test_a_holder_says_since_when_and_what_it_asked() -> None:
    node = running(holder=True)
    one = said(node)
    assert one["vips"] == [{"address": "10.10.50.4", "interface": "eth0", "held": True, "since": after(node, 3)}]
    assert one["transitions"] == [
        {
            "at": after(node, 3),
            "vip": "10.10.50.4",
            "interface": "eth0",
            "change": "gained",
            "role_before": "backup",
            "role_after": "master",
            "lasted_s": None,
            "cause": "elected: no better node is heard",
        }
    ]
    good = {"ok": True, "status": 200, "latency_ms": 10.0, "error": None}
    assert one["probes"] == [
        good | {"name": name, "target": f"https://{where}:6443/healthz", "at": after(node, at)}
        for name, where, at in [
            ("local/kube-apiserver", "127.0.0.1", 4.1),
            ("vip/10.10.50.4/kube-apiserver", "10.10.50.4", 5),
        ]
    ]


def test_a_vip_that_left_says_when_and_how_long_it_was_here() -> None:
    node = running(holder=True)
    node.live(5)
    node.hold(present=False)
    one = said(node)
    assert one["vips"] == [{"address": "10.10.50.4", "interface": "eth0", "held": False, "since": after(node, 10)}]
    lost = one["transitions"][-1]
    assert (lost["change"], lost["role_before"], lost["role_after"]) == ("lost", "master", "backup")
    assert lost["lasted_s"] == pytest.approx(7)
    assert transition(replace(node.state.transitions[-1], lasted=1.23456789))["lasted_s"] == 1.234568


def test_a_vip_that_an_earlier_daemon_saw_come_says_since_when() -> None:
    node = running(holder=True)
    node.state = replace(node.state, role_since={})
    assert said(node)["vips"][0]["since"] == after(node, 3)


def test_before_anything_is_known_nothing_is_said_of_it() -> None:
    one = said(Driver())
    assert one["vips"] == [{"address": "10.10.50.4", "interface": "eth0", "held": False, "since": None}]
    assert (one["probes"][0]["name"], one["probes"][0]["target"]) == (
        "local/kube-apiserver",
        "https://127.0.0.1:6443/healthz",
    )
    assert {one["probes"][0][key] for key in ("ok", "status", "latency_ms", "at", "error")} == {None}
    assert (one["proxy"]["pid"], one["proxy"]["running"], one["proxy"]["started_at"]) == (None, False, None)
    assert one["keepalived"] == {
        "managed": "child",
        "pid": None,
        "running": False,
        "hung": None,
        "stopped": None,
        "silent": None,
        "adverts": None,
    }
    assert [tuple(server.values()) for server in one["frontends"][0]["servers"]] == [
        (place, place, "starting", "", 0, 0) for place in (f"10.10.50.{n}:6443" for n in (11, 12, 13))
    ]


def test_the_programs_are_told_with_their_pid_and_last_words() -> None:
    node = running()
    one = said(node)
    assert one["proxy"] | {"version": ""} == {
        "kind": "haproxy",
        "pid": 100,
        "running": True,
        "version": "",
        "restarts": 0,
        "started_at": after(node, 0),
        "last_exit": None,
        "mute": None,
    }
    assert one["keepalived"] == {
        "managed": "child",
        "pid": 200,
        "running": True,
        "hung": None,
        "stopped": None,
        "silent": None,
        "adverts": None,
    }
    node.died()
    assert said(node)["proxy"]["started_at"] is None
    node.wait(1)
    node.spawned(101)
    node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0))
    one = said(node)
    assert (one["proxy"]["pid"], one["proxy"]["restarts"]) == (101, 1)
    assert (one["proxy"]["last_exit"], one["proxy"]["started_at"]) == ("killed by SIGKILL", after(node, 4))
    assert one["keepalived"] == {
        "managed": "child",
        "pid": None,
        "running": False,
        "hung": None,
        "stopped": None,
        "silent": None,
        "adverts": None,
    }


def test_a_proxy_that_cannot_be_asked_is_told_until_it_answers_or_another_is_there() -> None:
    node = running()
    node.post(ProxyMute("its socket was removed"))
    assert said(node)["proxy"]["mute"] == "its socket was removed"
    node.post(ProxySeen(ProxyView((), "2.6.12")))
    assert (said(node)["proxy"]["mute"], said(node)["proxy"]["version"]) == (None, "2.6.12")
    node.post(ProxyMute("its socket was removed"))
    node.spawned(101)
    assert (said(node)["proxy"]["mute"], said(node)["proxy"]["version"]) == (None, "")


def test_each_server_is_told_as_the_proxy_sees_it() -> None:
    servers: list[object] = [
        "10.10.50.11:6443",
        "[2001:db8::12]:6443",
        {"name": "named", "address": "api.example", "port": 7443},
        {"name": "new", "address": "10.10.50.14", "port": 6443},
    ]
    node = running(config(frontends=[{"name": "api", "port": 8443, "servers": servers}]))
    seen = (
        ServerView("10.10.50.11:6443", "10.10.50.11:6443", ServerState.UP, "L7OK/200", 3, 70),
        ServerView("2001:db8::12:6443", "[2001:db8::12]:6443", ServerState.DOWN, "L4CON"),
    )
    node.post(ProxySeen(ProxyView((FrontendView("other", ()), FrontendView("api", seen)))))
    (one,) = said(node)["frontends"]
    assert (one["name"], one["port"]) == ("api", 8443)
    assert [tuple(server.values()) for server in one["servers"]] == [
        ("10.10.50.11:6443", "10.10.50.11:6443", "up", "L7OK/200", 3, 70),
        ("2001:db8::12:6443", "[2001:db8::12]:6443", "down", "L4CON", 0, 0),
        ("named", "api.example:7443", "down", "its name has no address", 0, 0),
        ("new", "10.10.50.14:6443", "starting", "", 0, 0),
    ]
    assert list(one["servers"][0]) == ["name", "address", "state", "check", "connections", "connections_total"]


@pytest.mark.parametrize(
    ("states", "state", "words"),
    [
        ((ServerState.UP, ServerState.UP), "up", "2 of 2 addresses; 10.10.50.22:6443: up"),
        ((ServerState.DOWN, ServerState.UP), "up", "1 of 2 addresses; 10.10.50.21:6443: down"),
        ((ServerState.UP, ServerState.DOWN), "up", "1 of 2 addresses; 10.10.50.22:6443: down"),
        ((ServerState.DOWN, ServerState.DOWN), "down", "0 of 2 addresses; 10.10.50.22:6443: down"),
    ],
)
def test_a_name_with_several_addresses_is_as_well_as_the_best_of_them(
    states: tuple[ServerState, ...], state: str, words: str
) -> None:
    named = {"name": "named", "address": "api.example", "port": 6443}
    node = running(config(frontends=[{"name": "api", "port": 8443, "servers": [named]}], proxy={"kind": "envoy"}))
    seen = (ServerView("named", f"10.10.50.{n}:6443", one, one.value, n, 100) for n, one in enumerate(states, 21))
    node.post(ProxySeen(ProxyView((FrontendView("api", tuple(seen)),))))
    (server,) = said(node)["frontends"][0]["servers"]
    assert tuple(server.values()) == ("named", "api.example:6443", state, words, 43, 200)


def test_a_config_says_when_it_was_applied_or_refused() -> None:
    node = running()
    node.post(ConfigApplied(node.state.config))
    applied = after(node, 3)
    node.live(1)
    node.post(ConfigRejected(("line 3: nodes: is missing", "line 4: vips: is missing")))
    one = said(node)["config"]
    assert (one["digest"], one["applied_at"]) == (node.state.config.digest, applied)
    assert one["rejected"] == {
        "at": after(node, 4),
        "problems": ["line 3: nodes: is missing", "line 4: vips: is missing"],
    }


def test_what_the_daemon_could_not_do_for_itself_is_told() -> None:
    node = running()
    assert said(node)["daemon"] == {"started_at": after(node, 0), "upgrade_failed": None}
    assert said(node)["history"] == {"unwritten": 0, "why": None}
    (why,) = node.post(UpgradeFailed("cannot execute it"))
    assert said(node)["daemon"]["upgrade_failed"] == "cannot execute it"
    assert getattr(why, "fields", None) == {"why": "cannot execute it"}
    node.post(HistoryKept(3, "No space left on device"))
    assert said(node)["history"] == {"unwritten": 3, "why": "No space left on device"}


def test_who_runs_keepalived_is_told() -> None:
    assert said(Driver(child=False))["keepalived"]["managed"] == "none"
    unit = Driver(child=False)
    assert said(unit)["keepalived"]["running"] is False
    unit.post(KeepalivedSeen(None))
    assert said(unit)["keepalived"]["running"] is False
    unit.post(KeepalivedSeen(7))
    assert said(unit)["keepalived"]["running"] is True
    unit.state = replace(unit.state, keepalived_is_unit=True)
    assert said(unit)["keepalived"]["managed"] == "systemd"


def test_files_that_were_put_right_are_told() -> None:
    node = running()
    node.post(FilesMended(("lds.json",), "/kept"))
    told = {"at": after(node, 3), "files": ["lds.json"], "kept": "/kept", "complaint": None, "times": 1}
    assert said(node)["config"]["mended"] == told
    node.post(FilesMended(("lds.json",), "/kept", "cannot bind"))
    assert said(node)["config"]["mended"] == told | {"complaint": "cannot bind", "times": 2}


def test_a_probe_that_fails_says_why_and_how_long_it_took() -> None:
    node = running()
    node.wait(1)
    result = ProbeResult(
        node.target("local/kube-apiserver"), False, True, None, 0.0123456, node.now, "no answer in 1 s"
    )
    node.post(ProbeDone(result))
    (probe,) = said(node)["probes"]
    assert (probe["ok"], probe["status"], probe["latency_ms"], probe["error"]) == (
        False,
        None,
        12.346,
        "no answer in 1 s",
    )


def test_check_gives_each_reason_in_full() -> None:
    node = running()
    node.died()
    assert check(node.state, node.now)["reasons"] == [
        {"cause": "proxy_dead", "detail": "haproxy does not run: killed by SIGKILL", "since": after(node, 3)}
    ]


def test_the_version_of_halbd_is_told() -> None:
    assert said(running())["halbd"] == __version__
