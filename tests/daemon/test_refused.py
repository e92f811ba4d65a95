"""A new file that is refused while everything runs: nothing changes, and everybody is told why."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from halbd.model.config import ProxyKind
from tests.daemon.conftest import both
from tests.daemon.node import Node, document, frontend
from tests.daemon.reloading import ONE_SERVER, PROXY, Before, problems
from tests.render.netns import inside, run

pytestmark = [pytest.mark.root, both]

REFUSED = {
    ProxyKind.HAPROXY: "cannot reload haproxy: ",
    ProxyKind.ENVOY: "cannot change the running envoy: cannot bind '[::1]:9445'",
}


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
