"""Where frontends listen, changed while everything runs."""

from __future__ import annotations

import pytest

from halbd.decide.change import LOW_PORT
from halbd.model.config import ProxyKind
from tests.daemon.conftest import both
from tests.daemon.node import PORT, VIP, Node, frontend
from tests.daemon.reloading import HAND_OVER, ONE_SERVER, PROXY, Before, connects

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


def test_two_frontends_change_their_ports(usual: Node) -> None:
    usual.write(frontends=[frontend(), frontend("second", 9446, servers=ONE_SERVER)])
    assert usual.reload().status == 200
    usual.write(frontends=[frontend(port=9446), frontend("second", servers=ONE_SERVER)])
    answer = usual.reload()
    assert (answer.status, answer.body.get("actions")) == (200, [PROXY[usual.kind]])
    assert {one["name"]: one["port"] for one in usual.status["frontends"]} == {"kube-apiserver": 9446, "second": 6443}
    usual.until(lambda: connects(usual, 9446) and connects(usual, 6443), "both ports")


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
