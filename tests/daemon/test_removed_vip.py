"""A VIP that is taken out of the file while it is here: it leaves as any other, with a line of history."""

from __future__ import annotations

import socket

import pytest

from tests.daemon.conftest import both
from tests.daemon.node import PORT, VIP, Node
from tests.render.netns import addresses
from tests.system.within import within

pytestmark = [pytest.mark.root, both]
SECOND = "10.99.0.5"


@pytest.fixture
def two(bare: Node) -> Node:
    """A holder of two."""
    bare.write(vips=[{"address": VIP}, {"address": SECOND}])
    bare.start_servers()
    bare.start()
    return bare.until_master()


def drop(node: Node) -> None:
    node.write()
    assert node.reload().status == 200


def gone(node: Node) -> None:
    """From the machine, with a line in the history."""
    node.until(lambda: SECOND not in addresses(node.place), "nobody has it")
    (lost,) = [one for one in node.status["transitions"] if (one["vip"], one["change"]) == (SECOND, "lost")]
    assert (lost["cause"], lost["role_after"]) == ("no longer in halbd.yaml", "master")


def test_its_connections_end_and_history_says_why(two: Node) -> None:
    with within(two.place, lambda: socket.create_connection((SECOND, PORT), 10)) as silent:
        silent.settimeout(20)
        drop(two)
        with pytest.raises(OSError, match=r"abort|reset"):
            silent.recv(1)
    gone(two)
    assert two.status["healthy"]
    assert two.holds_vip
    assert not two.lines("vip.stale")  # keepalived took it off


def test_one_that_a_dead_keepalived_has_left_is_taken_off(two: Node) -> None:
    two.end_keepalived()
    drop(two)
    gone(two)
    assert [line["vip"] for line in two.lines("vip.stale")] == [SECOND]
    assert two.holds_vip
    two.keepalived_pid_file.unlink()
    two.until(lambda: two.status["keepalived"]["pid"] is not None, "another keepalived")
    two.until_master()
