"""The status object: every field of the contract, with the types it promises."""

from __future__ import annotations

import json
import re

from halbd.decide.status import check, stamp, status
from halbd.model.child import Program
from halbd.model.events import ConfigRejected, Exited, KeepalivedLooked, Spawned
from halbd.model.guard import Sign
from tests.decide.driver import running
from tests.decide.wire import OURS, PEER, STRANGER, killed, wired

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_it_has_every_field_of_the_contract_and_is_json() -> None:
    node = running(holder=True)
    one = json.loads(json.dumps(status(node.state, node.now)))
    assert set(one) >= {
        "version", "cluster", "node", "role", "healthy", "reasons", "vips", "proxy", "probes", "frontends",
        "keepalived", "config", "maintenance", "transitions",
    }  # fmt: skip
    assert (one["cluster"], one["node"], one["role"], one["healthy"]) == ("kubernetes", "lb1", "master", True)
    assert set(one["vips"][0]) == {"address", "interface", "held", "since"}
    assert {"kind", "pid", "running", "version", "restarts", "started_at"} <= set(one["proxy"])
    assert set(one["probes"][0]) == {"name", "target", "ok", "status", "latency_ms", "at", "error"}
    assert set(one["frontends"][0]["servers"][0]) >= {"name", "address", "state", "check"}
    assert set(one["keepalived"]) == {"managed", "pid", "running", "hung", "stopped", "silent", "adverts"}
    assert set(one["config"]) == {"digest", "applied_at", "rejected", "mended"}
    assert STAMP.fullmatch(one["vips"][0]["since"])
    assert STAMP.fullmatch(one["transitions"][0]["at"])


def test_a_node_that_is_not_well_gives_its_reasons_with_their_time() -> None:
    node = running(holder=True)
    node.died()
    one = status(node.state, node.now)
    assert one["healthy"] is False
    assert one["reasons"][0]["cause"] == "proxy_dead"
    assert STAMP.fullmatch(one["reasons"][0]["since"])
    assert one["proxy"]["running"] is False
    assert one["proxy"]["pid"] is None


def test_a_helper_is_told_that_has_been_silent_for_longer_than_a_moment() -> None:
    node = running()
    node.post(KeepalivedLooked(200, frozenset(), why="refused"))
    assert status(node.state, node.now)["helper"] is None
    since = node.now
    node.live(3)
    node.post(KeepalivedLooked(200, frozenset(), why="timed out"))
    one = status(node.state, node.now)
    assert one["healthy"] is True
    assert one["helper"] == {"why": "timed out", "since": stamp(since.wall)}
    node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0))
    assert status(node.state, node.now)["helper"] is None, "nobody looks"
    node.wait(1)
    node.post(Spawned(Program.KEEPALIVED, 201, 1), KeepalivedLooked(201, frozenset(), why="timed out"))
    assert status(node.state, node.now)["helper"] is None, "a moment, as far as this one was looked at"
    node.live(3)
    assert status(node.state, node.now)["helper"] is not None
    node.post(KeepalivedLooked(201, frozenset()))
    assert status(node.state, node.now)["helper"] is None


def test_a_rejected_config_is_shown_with_its_problems() -> None:
    node = running()
    node.post(ConfigRejected(("line 3: nodes: is missing",)))
    assert status(node.state, node.now)["config"]["rejected"]["problems"] == ["line 3: nodes: is missing"]


def test_check_says_when_it_was_decided() -> None:
    node = running()
    one = check(node.state, node.now)
    assert (one["ok"], one["stale"], one["monotonic"]) == (True, False, node.mono)


def test_status_shows_the_peers_view_and_a_keepalived_that_hangs() -> None:
    wire = wired(holder=True, speaking={OURS: 254, PEER: 0, STRANGER: 7})
    done = wire.live(2.2, signs=frozenset({Sign.STOPPED}))
    assert killed(done)
    shown = status(wire.node.state, wire.node.now)["keepalived"]
    assert shown["hung"]["why"] == Sign.STOPPED
    assert STAMP.fullmatch(shown["hung"]["since"])
    assert [one.pop("age_s") < 1 for one in shown["adverts"]] == [True, True, True]
    assert shown["adverts"] == [
        {
            "node": node,
            "source": str(source),
            "own": source == OURS,
            "interface": "eth0",
            "virtual_router_id": 4,
            "priority": priority,
        }
        for node, source, priority in (("lb1", OURS, 254), ("lb2", PEER, 0), ("10.10.50.77", STRANGER, 7))
    ]


def test_the_age_of_an_advert_is_told_in_tenths_of_a_second() -> None:
    wire = wired(holder=False)
    wire.node.mono += 1.26
    (one,) = status(wire.node.state, wire.node.now)["keepalived"]["adverts"]
    assert one["age_s"] == 1.3


def test_without_a_listener_status_says_that_nothing_is_known() -> None:
    node = running()
    assert status(node.state, node.now)["keepalived"]["adverts"] is None
