"""What becomes of the connections of a VIP that leaves a daemon which lives on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from tests.daemon.conftest import both
from tests.daemon.node import PORT, VIP, Node
from tests.keepalived.pair import LoadBalancer
from tests.render.netns import run, wait_until
from tests.system.within import within

pytestmark = [pytest.mark.root, both]


@pytest.fixture
def silent(node: Node) -> Iterator[socket.socket]:
    """A connection through the VIP on which nothing is ever sent."""
    with within(node.place, lambda: socket.create_connection((VIP, PORT), 10)) as one:
        one.settimeout(20)
        yield one


def test_a_stop_ends_them_before_the_proxy_goes(node: Node, silent: socket.socket) -> None:
    node.daemon.send_signal(signal.SIGTERM)
    with pytest.raises(OSError, match=r"abort|reset"):
        silent.recv(1)
    assert node.daemon.wait(30) == 0
    (ended,) = node.lines("connections.ended")
    assert ended["ended"] >= 2, "both ends are here"
    assert ended["poked"] == 0
    (gone,) = node.lines("proxy.exited")
    assert ended["at"] < gone["at"]


def test_a_drain_ends_them_though_the_proxy_lives_on(bare: Node, standby: LoadBalancer) -> None:
    with within(bare.place, lambda: socket.create_connection((VIP, PORT), 10)) as one:
        one.settimeout(20)
        proxy = bare.proxy["pid"]
        assert bare.ask("POST", "/drain", {}).body["result"] == "moved"
        with pytest.raises(OSError, match=r"abort|reset"):
            one.recv(1)
    wait_until(standby.holds, "the other one as master")
    bare.until(lambda: bool(bare.lines("connections.ended")), "said, a moment after it was done")
    (ended,) = bare.lines("connections.ended")
    assert ended["ended"] >= 2, "both ends are here"
    assert ended["poked"] == 0
    assert bare.proxy["pid"] == proxy


def test_they_survive_a_vip_that_was_removed_by_hand_and_put_back(node: Node, silent: socket.socket) -> None:
    run("ip", "-n", node.place, "addr", "del", f"{VIP}/32", "dev", "eth0")
    node.until(lambda: len(node.lines("vip.gained")) == 2, "put back")
    silent.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
    silent.recv(1)  # not TLS: the server says so, or closes; either way it was heard
    assert node.lines("connections.ended") == []
