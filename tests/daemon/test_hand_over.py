"""What a running Envoy does not take up is taken up by a second one; the first keeps its connections."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from halbd.lab.certs import Authority
from halbd.lab.faults.removing import remove
from halbd.model.config import Proxy, ProxyKind
from halbd.system.programs import proxy_binary
from tests.daemon.conftest import fresh_name
from tests.daemon.node import Node, bare_node, running_node
from tests.daemon.reloading import HAND_OVER
from tests.daemon.test_folders import takes_up
from tests.daemon.watch import goes_on, watch

pytestmark = pytest.mark.root


@pytest.fixture
def envoy(ca: Authority) -> Iterator[Node]:
    """A master with Envoy."""
    with running_node(fresh_name(), ca, ProxyKind.ENVOY) as node:
        yield node


def hand_over(node: Node) -> tuple[int, int]:
    """Another name for the cluster; the process before and the one after."""
    before = node.proxy["pid"]
    node.write(cluster=f"after-{before}")
    assert node.reload().body == {"result": "applied", "actions": [HAND_OVER], "warnings": []}
    node.until(lambda: node.proxy["pid"] != before, "the new one in status")
    return before, node.proxy["pid"]


def test_a_hand_over_keeps_connections_and_the_vip(envoy: Node) -> None:
    with watch(envoy) as one:
        old, new = hand_over(envoy)
        assert goes_on(one)
        assert {old, new} <= envoy.pids
    envoy.until(lambda: old not in envoy.pids, "the end of the old one, with its last connection")
    aside = envoy.paths.admin_socket.with_name(f"admin.{old}.sock")
    envoy.until(lambda: not aside.exists(), "the end of its socket")
    assert envoy.status["healthy"]
    assert (envoy.proxy["restarts"], len(envoy.status["transitions"])) == (0, 1)


def test_what_a_running_envoy_never_reads_again_is_taken_up_also_by_the_next_daemon(envoy: Node) -> None:
    """Changed while no daemon ran, by hand or by another release of halbd; then nothing more is left to do."""
    old = envoy.proxy["pid"]
    with watch(envoy) as one:
        envoy.daemon.kill()
        envoy.daemon.wait(10)
        envoy.write(cluster="another")
        envoy.start()
        envoy.until(lambda: envoy.proxy.get("pid") not in {None, old}, "another one")
        assert goes_on(one)
    envoy.until(lambda: old not in envoy.pids, "the end of the old one, with its last connection")
    envoy.until_master()
    assert envoy.reload().body["actions"] == []
    assert not envoy.lines("vip.lost")


def test_the_next_daemon_knows_the_two_apart(envoy: Node) -> None:
    with watch(envoy) as one:
        old, new = hand_over(envoy)
        envoy.daemon.send_signal(signal.SIGKILL)
        envoy.daemon.wait(10)
        (envoy.paths.runtime / "proxy.json").unlink()
        envoy.start()
        envoy.until_master()
        assert envoy.proxy["pid"] == new
        assert goes_on(one)
        assert old in envoy.pids
    envoy.until(lambda: old not in envoy.pids, "the end of the old one")
    assert len(envoy.status["transitions"]) == 1


def test_a_second_one_that_was_never_seen_to_serve_is_ended_by_the_next_daemon(envoy: Node) -> None:
    """As after a crash in the middle of a hand-over: two would share the port in silence."""
    pid, socket = envoy.proxy["pid"], envoy.paths.admin_socket
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    envoy.daemon.send_signal(signal.SIGKILL)
    envoy.daemon.wait(10)
    socket.rename(socket.with_name(f"admin.{pid}.sock"))
    stray = envoy.run_in("setsid", "--wait", *words)
    envoy.until(socket.exists, "the second one's socket")
    envoy.start()
    envoy.until_master()
    assert envoy.proxy["pid"] == pid
    assert stray.wait(10) != 0
    envoy.until(lambda: envoy.status["frontends"][0]["servers"][0]["state"] == "up", "the first one's answer")


def test_a_second_one_that_does_not_serve_changes_nothing(envoy: Node) -> None:
    """It passes the checker, and ends at once."""
    program = envoy.folder / "envoy"
    real = proxy_binary(Proxy(kind=ProxyKind.ENVOY))
    program.write_text(f'#!/bin/sh\ncase "$*" in *validate*) exec {real} "$@";; esac\nexit 3\n')
    program.chmod(0o755)
    before, current = envoy.proxy["pid"], envoy.paths.current.readlink()
    envoy.write(proxy={"binary": str(program)})
    answer = envoy.reload()
    assert (answer.status, answer.body) == (409, {"error": "cannot hand over to another proxy: it ended at once"})
    assert envoy.paths.current.readlink() == current
    assert (envoy.proxy["pid"], envoy.paths.admin_socket.exists()) == (before, True)
    envoy.until_master()
    assert len(envoy.status["transitions"]) == 1


def test_a_stop_ends_both(envoy: Node) -> None:
    with watch(envoy):
        old, _ = hand_over(envoy)
        assert old in envoy.pids
        envoy.daemon.send_signal(signal.SIGTERM)
        assert envoy.daemon.wait(30) == 0
        assert old not in envoy.pids
        assert not envoy.paths.admin_socket.with_name(f"admin.{old}.sock").exists()


def failed(node: Node, why: str) -> bool:
    """Something could not be put back, for that reason."""
    return any(why in line["why"] for line in node.lines("folder.not_put_back"))


def test_a_hand_over_that_failed_is_tried_again(ca: Authority) -> None:
    """Envoy watched a folder that was removed, and while the next one cannot be started the old one serves on."""
    with bare_node(fresh_name(), ca, ProxyKind.ENVOY) as node:
        program = node.folder / "proxy"
        program.symlink_to(proxy_binary(Proxy(kind=ProxyKind.ENVOY)))
        node.write(proxy={"binary": str(program)})
        node.start_servers()
        node.start()
        node.until_master()
        before = node.proxy["pid"]
        with watch(node) as one:
            program.unlink()
            remove(node.paths.state)
            node.until(lambda: failed(node, "no executable program is there"), "a hand-over that fails")
            assert (node.proxy["pid"], node.paths.admin_socket.exists()) == (before, True)
            program.symlink_to(proxy_binary(Proxy(kind=ProxyKind.ENVOY)))
            node.until(lambda: node.proxy["pid"] != before, "the next one")
            assert goes_on(one)
        node.until_master()
        takes_up(node, proxy={"binary": str(program)})
        assert node.proxy["restarts"] == 0
        assert [row["change"] for row in node.status["transitions"]] == ["gained"]
