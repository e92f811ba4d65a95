"""The daemon itself runs out of something: that says nothing of the proxy."""

from __future__ import annotations

import json
import resource

import pytest

from tests.daemon.conftest import both
from tests.daemon.node import Node

pytestmark = [pytest.mark.root, both]


def test_a_daemon_without_descriptors_says_nothing_against_the_proxy(node: Node) -> None:
    """Neither a probe nor the admin socket can be asked: it looks like a proxy that hangs."""
    before = node.proxy["pid"]
    usual = resource.prlimit(node.daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.daemon.pid, resource.RLIMIT_NOFILE, (3, usual[1]))
    node.until(lambda: len(node.lines("probe.not_asked")) > 20, "more questions unasked than `fall`")
    assert node.holds_vip
    assert node.fault == "0"
    resource.prlimit(node.daemon.pid, resource.RLIMIT_NOFILE, usual)
    node.until_master()
    assert [one["change"] for one in node.status["transitions"]] == ["gained"]
    assert (node.proxy["pid"], node.proxy["restarts"]) == (before, 0)
    assert "proxy_hung" not in json.dumps(node.lines("verdict.changed")[2:])
