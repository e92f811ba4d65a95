"""A VIP that is taken out of the file while it is here: it leaves as any other, with a line of history."""

from __future__ import annotations

import socket

import pytest

from tests.daemon.conftest import both
from tests.daemon.node import PORT, VIP, Node
from tests.render.netns import run
from tests.system.within import within

pytestmark = [pytest.mark.root, both]
SECOND = "10.99.0.5"


def test_its_connections_end_and_history_says_why(node: Node) -> None:
    node.write(vips=[{"address": VIP}, {"address": SECOND}])
    assert node.reload().status == 200
    node.until(lambda: [vip["held"] for vip in node.status["vips"]] == [True, True], "both are here")
    with within(node.place, lambda: socket.create_connection((SECOND, PORT), 10)) as silent:
        silent.settimeout(20)
        node.write()
        assert node.reload().status == 200
        with pytest.raises(OSError, match=r"abort|reset"):
            silent.recv(1)
    lost = node.status["transitions"][-1]
    assert (lost["vip"], lost["change"], lost["role_after"]) == (SECOND, "lost", "master")
    assert lost["cause"] == "no longer in halbd.yaml"
    node.until(lambda: SECOND not in run("ip", "-n", node.place, "addr"), "keepalived took it off")
    assert node.status["healthy"]
    assert node.holds_vip
