"""A new file while everything runs: the smallest action that makes it true, or nothing at all."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from halbd.decide.change import LOW_PORT
from halbd.model.config import ProxyKind
from halbd.system import process
from tests.daemon.conftest import both
from tests.daemon.node import SERVER_PORT, SERVERS, SPARE, Node, document, frontend
from tests.render.netns import inside, run

pytestmark = [pytest.mark.root, both]

ONE_SERVER = [f"{SERVERS[0]}:{SERVER_PORT}"]
PROXY = {
    ProxyKind.HAPROXY: "reload the proxy (seamless: no connection is lost)",
    ProxyKind.ENVOY: "see the running Envoy take up its new files (it does so by itself: no connection is lost)",
}
REFUSED = {
    ProxyKind.HAPROXY: "cannot reload haproxy: ",
    ProxyKind.ENVOY: "cannot change the running envoy: cannot bind '[::1]:9445'",
}
HAND_OVER = "hand over to a new Envoy (established connections stay with the old one until they end)"
KEEPALIVED = "reload keepalived (the VIP stays)"


@pytest.fixture
def usual(shared: Node) -> Iterator[Node]:
    """The node, before and after on the usual file; no test may cost it the VIP, its proxy or its keepalived."""
    before = (shared.proxy["pid"], shared.status["keepalived"]["pid"], len(shared.status["transitions"]))
    yield shared
    shared.write()
    assert shared.reload().status == 200
    shared.until_master()
    status = shared.status
    assert (status["proxy"]["pid"], status["keepalived"]["pid"], len(status["transitions"])) == before


class Before:
    """What must not change when a file is refused."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.seen = self.look()

    def look(self) -> tuple[Any, ...]:
        node = self.node
        pids = {node.proxy["pid"], *workers(node)}
        return node.generations(), node.paths.current.readlink(), pids, node.status["config"]["digest"]

    def assert_same(self) -> None:
        assert self.look() == self.seen
        assert self.node.check().returncode == 0


def workers(node: Node) -> frozenset[int]:
    """The one of HAProxy, once those before it have ended: they do so with their last connection, after a reload."""
    pid, many = node.proxy["pid"], 1 if node.kind is ProxyKind.HAPROXY else 0
    node.until(lambda: len(process.family(pid)) == 1 + many, "no worker from before")
    return process.family(pid) - {pid}


def problems(node: Node) -> list[str]:
    rejected = node.status["config"]["rejected"]
    return rejected["problems"] if rejected else []


def connects(node: Node, port: int) -> bool:
    """Something listens on that port of the node's own address."""
    words = inside(node.place, "/bin/bash", "-c", f"exec 3<>/dev/tcp/10.99.0.1/{port}")
    return subprocess.run(words, capture_output=True, check=False, timeout=10).returncode == 0


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


def test_bad_yaml_changes_nothing_and_status_says_why(usual: Node) -> None:
    before = Before(usual)
    usual.write_text("nodes: [\n")
    answer = usual.reload()
    assert answer.status == 422
    (problem,) = answer.body["problems"]
    assert problem.startswith("line 2")
    usual.until(lambda: problems(usual) == [problem], "the rejection in status")
    before.assert_same()


def test_every_problem_is_told_at_once(usual: Node) -> None:
    before = Before(usual)
    usual.write(frontends=[frontend(port=70000, colour="red")], vrrp={"version": 7})
    answer = usual.reload()
    assert answer.status == 422
    words = "\n".join(answer.body["problems"])
    for word in ("70000", "colour", "vrrp.version"):
        assert word in words
    before.assert_same()


def test_sighup_with_a_bad_file_is_told_in_the_log_and_in_status(usual: Node) -> None:
    before = Before(usual)
    usual.write_text("")
    usual.daemon.send_signal(signal.SIGHUP)
    usual.until(lambda: bool(problems(usual)) and bool(usual.lines("config.not_reloaded")), "the rejection")
    before.assert_same()


def test_a_ca_that_vanished_is_a_problem_of_the_file(usual: Node) -> None:
    before = Before(usual)
    aside = usual.ca_file.rename(usual.folder / "aside")
    try:
        answer = usual.reload()
    finally:
        aside.rename(usual.ca_file)
    assert answer.status == 422
    assert "ca.crt" in answer.body["problems"][0]
    before.assert_same()


def test_a_ca_that_is_none_is_refused(usual: Node) -> None:
    before = Before(usual)
    good = usual.ca_file.read_text()
    try:
        usual.ca_file.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        answer = usual.reload()
    finally:
        usual.ca_file.write_text(good)
    assert answer.status in (409, 422)
    before.assert_same()


def test_a_rejection_is_forgotten_once_a_file_is_in_force(usual: Node) -> None:
    usual.write_text("")
    assert usual.reload().status == 422
    usual.write()
    assert usual.reload().status == 200
    usual.until(lambda: not problems(usual), "no rejection")


@contextmanager
def holder(node: Node, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that listens on a port of the node."""
    script = f"import socket; s = socket.create_server(('10.99.0.1', {port})); s.accept()"
    one = node.run_in("/usr/bin/python3", "-c", script)
    node.until(lambda: f":{port} " in listening(node), "the holder's port")
    yield one
    one.kill()
    one.wait(10)


def listening(node: Node) -> str:
    words = inside(node.place, "ss", "-Hltn")
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout


def test_a_port_that_somebody_else_holds_is_refused_with_the_holder(usual: Node) -> None:
    before = Before(usual)
    usual.write(frontends=[frontend(), frontend("second", 9443)])
    with holder(usual, 9443) as other:
        answer = usual.reload()
    assert answer.status == 409
    assert answer.body == {"error": f"cannot listen on port 9443: python3 (pid {other.pid}) already does"}
    usual.until(lambda: problems(usual) == [answer.body["error"]], "the rejection in status")
    before.assert_same()
    assert [line for line in usual.lines("proxy.says") if "ALERT" in line["line"]] == []


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


def test_two_frontends_change_their_ports(usual: Node) -> None:
    usual.write(frontends=[frontend(), frontend("second", 9446, servers=ONE_SERVER)])
    assert usual.reload().status == 200
    usual.write(frontends=[frontend(port=9446), frontend("second", servers=ONE_SERVER)])
    answer = usual.reload()
    assert (answer.status, answer.body.get("actions")) == (200, [PROXY[usual.kind]])
    assert {one["name"]: one["port"] for one in usual.status["frontends"]} == {"kube-apiserver": 9446, "second": 6443}
    usual.until(lambda: connects(usual, 9446) and connects(usual, 6443), "both ports")


def test_a_reload_that_fails_at_the_last_moment_is_rolled_back(node: Node) -> None:
    """What no checker sees: an address of a family that this kernel does not serve. HAProxy tries for two seconds."""
    run(*inside(node.place, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
    patient = document()["health"] | {"fall": 12}  # longer than those two seconds
    node.write(health=patient)
    assert node.reload().status == 200
    before, pid = node.paths.current.readlink(), node.proxy["pid"]
    node.write(health=patient, frontends=[frontend(), frontend("second", 9445, bind="::1")])
    answer = node.reload()
    assert answer.status == 409
    assert answer.body["error"].startswith(REFUSED[node.kind])
    assert node.paths.current.readlink() == before
    node.until(lambda: problems(node) == [answer.body["error"]], "the rejection in status")
    node.until_master()
    node.write(health=patient, frontends=[frontend(servers=ONE_SERVER)])
    assert node.reload().body["actions"] == [PROXY[node.kind]]
    assert (node.proxy["pid"], node.proxy["restarts"], len(node.status["transitions"])) == (pid, 0, 1)


def test_a_first_port_below_1024(node: Node) -> None:
    """Envoy: by a hand-over. HAProxy would have to be started anew, which is not halbd's to decide."""
    before = Before(node)
    node.write(frontends=[frontend(), frontend("web", 443)])
    answer = node.reload()
    if node.kind is ProxyKind.HAPROXY:
        assert (answer.status, answer.body) == (409, {"error": LOW_PORT})
        before.assert_same()
    else:
        assert answer.status == 200
        node.until(lambda: connects(node, 443), "the new port")
        node.until_master()
        assert not node.lines("vip.lost")


WATCH = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
with context.wrap_socket(socket.create_connection(("10.99.0.1", 6443), 20), server_hostname="kubernetes") as one:
    one.sendall(b"GET /watch HTTP/1.1\\r\\nHost: kubernetes\\r\\n\\r\\n")
    while line := one.recv(4096):
        print(len(line), flush=True)
"""


def test_a_watch_lives_through_a_reload(usual: Node) -> None:
    """A line still comes after the new files have been taken up (HAProxy: the old worker keeps it)."""
    words = inside(usual.place, "/usr/bin/python3", "-c", WATCH, str(usual.ca_file))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline()
        usual.write(frontends=[frontend(servers=list(reversed(document()["frontends"][0]["servers"])))])
        assert usual.reload().body["actions"] == [PROXY[usual.kind]]
        assert all(watch.stdout.readline() for _ in range(3))
        watch.kill()
