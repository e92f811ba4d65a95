"""A new file while everything runs: the smallest action that makes it true, or nothing at all."""

from __future__ import annotations

import signal

import pytest

from halbd.model.config import ProxyKind
from tests.daemon.conftest import both
from tests.daemon.node import SERVER_PORT, SERVERS, SPARE, Node, document, frontend
from tests.daemon.reloading import ONE_SERVER, PROXY, connects, workers
from tests.daemon.watch import goes_on, watch

pytestmark = [pytest.mark.root, both]

KEEPALIVED = "reload keepalived (the VIP stays)"


def test_an_unchanged_file_changes_nothing(usual: Node) -> None:
    before = workers(usual)
    answer = usual.reload()
    assert (answer.status, answer.body) == (200, {"result": "unchanged", "actions": [], "warnings": []})
    assert workers(usual) == before


def test_a_new_server_and_a_new_weight_are_taken_up_without_a_reload(usual: Node) -> None:
    first, second, third = (
        {"name": f"api{i}", "address": address, "port": SERVER_PORT, "weight": 1}
        for i, address in enumerate((*SERVERS, SPARE))
    )
    usual.write(frontends=[frontend(servers=[first, second])])
    assert usual.reload().body["actions"] == [PROXY[usual.kind]]
    before = workers(usual)
    usual.write(frontends=[frontend(servers=[first | {"weight": 7}, second, third])])
    one_by_one = [
        "add api2 to kube-apiserver in the running proxy",
        "give api0 of kube-apiserver weight 7 in the running proxy",
    ]
    actions = {ProxyKind.HAPROXY: one_by_one, ProxyKind.ENVOY: [PROXY[ProxyKind.ENVOY]]}
    assert usual.reload().body["actions"] == actions[usual.kind]
    usual.until(lambda: [s["state"] for s in usual.status["frontends"][0]["servers"]] == ["up"] * 3, "all three up")
    assert workers(usual) == before


def test_a_removed_server_is_a_seamless_reload(usual: Node) -> None:
    """HAProxy: the same master, a new worker. Envoy: the same process. keepalived is not even told."""
    before = workers(usual)
    usual.write(frontends=[frontend(servers=ONE_SERVER)])
    assert usual.reload().body == {"result": "applied", "actions": [PROXY[usual.kind]], "warnings": []}
    assert bool(workers(usual) - before) == (usual.kind is ProxyKind.HAPROXY)
    usual.until(lambda: [s["name"] for s in usual.status["frontends"][0]["servers"]] == ONE_SERVER, "the new servers")


def test_sighup_does_the_same(usual: Node) -> None:
    digest = usual.status["config"]["digest"]
    usual.write(frontends=[frontend(servers=ONE_SERVER)])
    said = len(usual.lines("config.reloaded"))
    usual.daemon.send_signal(signal.SIGHUP)
    usual.until(lambda: usual.status["config"]["digest"] != digest, "the new file in force")
    usual.until(lambda: len(usual.lines("config.reloaded")) > said, "the log line")
    assert usual.lines("config.reloaded")[-1]["result"] == "applied"


def test_what_the_proxy_does_not_read_needs_no_reload(usual: Node) -> None:
    before = workers(usual)
    usual.write(health=document()["health"] | {"fall": 6})
    assert usual.reload().body == {"result": "applied", "actions": [], "warnings": []}
    assert workers(usual) == before


def test_what_the_peers_must_share_is_told_with_the_order(usual: Node) -> None:
    usual.write(vrrp={"advert_int": 0.2})
    answer = usual.reload()
    assert answer.body["actions"] == [KEEPALIVED]
    (warning,) = answer.body["warnings"]
    assert warning.startswith("vrrp.advert_int must be the same on every node: ")
    assert "drain the standbys, reload the holder, reload the standbys, undrain them" in warning


def test_a_frontend_comes_and_goes(usual: Node) -> None:
    usual.write(frontends=[frontend(), frontend("second", 9444)])
    assert usual.reload().body["actions"] == [PROXY[usual.kind]]
    usual.until(lambda: connects(usual, 9444), "the second frontend's port")
    names = [f"{where}/{name}" for where in ("local", "vip/10.99.0.4") for name in ("kube-apiserver", "second")]
    usual.until(lambda: [p["name"] for p in usual.status["probes"] if p["ok"]] == names, "its probes")
    usual.write()
    assert usual.reload().body["actions"] == [PROXY[usual.kind]]
    usual.until(lambda: not connects(usual, 9444), "its end")
    usual.until(lambda: len(usual.status["probes"]) == 2, "the end of its probes")


def test_a_watch_lives_through_a_reload(usual: Node) -> None:
    """A line still comes after the new files have been taken up (HAProxy: the old worker keeps it)."""
    with watch(usual) as one:
        usual.write(frontends=[frontend(servers=list(reversed(document()["frontends"][0]["servers"])))])
        assert usual.reload().body["actions"] == [PROXY[usual.kind]]
        assert goes_on(one)
