"""Where frontends listen, changed while everything runs."""

from __future__ import annotations

import pytest

from halbd.model.config import ProxyKind
from tests.daemon.conftest import both
from tests.daemon.node import PORT, VIP, Node, frontend
from tests.daemon.test_reload import HAND_OVER, PROXY

pytestmark = [pytest.mark.root, both]


def test_two_frontends_change_their_addresses(node: Node) -> None:
    """On one port. A running Envoy refuses that, whatever the order."""
    own, vip = "10.99.0.1", VIP
    node.write(frontends=[frontend(bind=own), frontend("second", bind=vip)])
    assert node.reload().body["actions"] == [PROXY[node.kind]]
    node.write(frontends=[frontend(bind=vip), frontend("second", bind=own)])
    answer = node.reload()
    actions = [HAND_OVER if node.kind is ProxyKind.ENVOY else PROXY[node.kind]]
    assert (answer.status, answer.body.get("actions")) == (200, actions)
    node.until_master()
    node.until(lambda: {one["target"].split("/")[2] for one in node.status["probes"] if one["ok"]} >= {
        f"{own}:{PORT}", f"{vip}:{PORT}", f"127.0.0.1:{PORT}"}, "both, at both addresses")  # fmt: skip
    assert not node.lines("vip.lost")
