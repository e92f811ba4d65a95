"""Two nodes on a wire, one with a daemon: nothing stale stays, and a keepalived that hangs is ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from halbd.system import process
from tests.daemon.neighbour import neighbour
from tests.daemon.node import VIP, Node
from tests.keepalived.pair import LoadBalancer
from tests.render.netns import run, wait_until

pytestmark = pytest.mark.root


@pytest.fixture
def other(bare: Node) -> Iterator[LoadBalancer]:
    """The standby; `bare` is master and well."""
    with neighbour(bare) as other:
        bare.start_servers()
        bare.start()
        bare.until_master()
        other.start()
        other.wait_for_state("BACKUP")
        yield other


def keepalived(node: Node) -> frozenset[int]:
    """Its processes."""
    return process.family(node.status["keepalived"]["pid"])


def causes(node: Node) -> list[str]:
    """Of every transition so far."""
    return [one["cause"] for one in node.status["transitions"]]


def once_again_alone(node: Node, other: LoadBalancer) -> None:
    """The preferred node holds the VIP, and nobody else."""
    node.until_master()
    wait_until(other.holds_none, "the other one without the VIP")


def test_a_vip_that_somebody_deleted_is_back_and_the_history_says_so(bare: Node, other: LoadBalancer) -> None:
    run("ip", "-n", bare.place, "addr", "del", f"{VIP}/32", "dev", "eth0")
    bare.until(lambda: len(causes(bare)) >= 3, "its way and its return")
    once_again_alone(bare, other)
    assert causes(bare)[1] == "removed by somebody else: keepalived still advertised it"
    assert bare.status["transitions"][1]["interface"] == "eth0"


def test_a_hung_keepalived_is_ended_and_leaves_no_second_holder(bare: Node, other: LoadBalancer) -> None:
    before = keepalived(bare)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    bare.until(lambda: bool(bare.lines("keepalived.hung")), "a keepalived that hangs, noticed")
    bare.until(lambda: bare.status["keepalived"]["pid"] not in (None, *before), "another keepalived")
    once_again_alone(bare, other)
