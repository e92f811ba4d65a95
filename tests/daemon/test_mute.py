"""Envoy makes its admin socket when it starts, and somebody removes it: nothing is lost, and nothing goes unsaid."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from halbd.daemon.admin_socket import AdminSocket
from halbd.lab.faults.removing import remove
from halbd.model.config import ProxyKind
from tests.daemon.node import Node
from tests.daemon.test_drain import halbctl
from tests.daemon.test_folders import takes_up
from tests.daemon.watch import goes_on, watch


@pytest.fixture(scope="module")
def kind() -> ProxyKind:
    """Every node here has this one."""
    return ProxyKind.ENVOY


pytestmark = pytest.mark.root


def test_a_socket_without_a_name_is_reached_as_long_as_somebody_holds_on_to_it(tmp_path: Path) -> None:
    name, other = tmp_path / "admin.sock", tmp_path / "other.sock"
    one = AdminSocket(name)
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        first.bind(str(name))
        first.listen()
        assert (one.mute(), one.mute(), one.kept) == (False, False, True)
        name.unlink()
        assert one.mute()
        assert reached(first, name)
        name.rename(other)  # it makes room
        one.renamed(other)
        assert reached(first, other)
        other.unlink()
        assert one.mute()
        assert reached(first, other)
        second.bind(str(name))
        second.listen()
        assert one.mute()
        assert reached(first, other)
        other.unlink()
        name.rename(other)  # another one of that name is another one to hold on to
        assert not one.mute()
        other.unlink()
        assert one.mute()
        assert reached(second, other)
    one.forget()
    assert (one.kept, other.exists(), os.path.lexists(other)) == (False, False, True)
    assert AdminSocket(other).mute()


def reached(listener: socket.socket, name: Path) -> bool:
    """Whether whoever connects to that name is there."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(name))
        client.send(b"x")
        connection, _ = listener.accept()
        with connection:
            return connection.recv(1) == b"x"


def test_an_envoy_that_lost_its_socket_keeps_its_connections_whatever_becomes_of_the_daemon(node: Node) -> None:
    """It is told to accept no more through the link, which leads nowhere as soon as the daemon dies."""
    old = node.proxy["pid"]
    aside = node.paths.admin_socket.with_name(f"admin.{old}.sock")
    with watch(node) as one:
        remove(node.paths.runtime)
        node.until(lambda: node.proxy.get("pid", old) != old, "another envoy")
        assert aside.is_symlink()
        aside.unlink()
        node.until(aside.exists, "its name again")
        new = node.proxy["pid"]
        node.daemon.kill()
        node.daemon.wait()
        node.until(lambda: not aside.exists(), "a link that leads nowhere")
        node.start()
        node.until_master()
        assert goes_on(one)
        assert {old, new} <= node.pids
        assert node.proxy["pid"] == new
    node.until(lambda: old not in node.pids, "its end, with that of its last connection")
    assert new in node.pids
    assert [row["change"] for row in node.status["transitions"]] == ["gained"]


def test_an_envoy_whose_socket_is_removed_while_no_daemon_runs_serves_on_and_status_says_so(bare: Node) -> None:
    """Nothing leads to it any more: it is started anew when the VIP has left."""
    node = bare
    node.write(health={"timeout": 1})  # whoever cannot be asked hangs as soon as a probe is late
    node.start_servers()
    node.start()
    node.until_master()
    node.daemon.kill()
    node.daemon.wait()
    node.paths.admin_socket.unlink()
    node.start()
    node.until(lambda: "admin socket was removed" in str(node.proxy.get("mute")), "the reason")
    assert halbctl(node, "status")[0] == 1
    assert node.holds_vip
    assert node.check().returncode == 0
    node.run_in("ip", "link", "set", "eth0", "down").wait()
    node.until(lambda: node.proxy.get("restarts") == 1, "another envoy")
    node.run_in("ip", "link", "set", "eth0", "up").wait()
    node.until_master()
    assert node.proxy["mute"] is None
    takes_up(node, health={"timeout": 1})
