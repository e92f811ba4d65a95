"""Where frontends listen, changed while everything runs."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from halbd.decide.change import LOW_PORT
from halbd.model.config import ProxyKind
from halbd.system.keepalived_reload import checks
from tests.daemon.conftest import both
from tests.daemon.node import PORT, VIP, Node, frontend
from tests.daemon.reloading import HAND_OVER, ONE_SERVER, PROXY, Before, connects

pytestmark = [pytest.mark.root, both]


OWN = "10.99.0.1"
NERVOUS = {"interval": 0.3, "timeout": 0.3, "rise": 1, "fall": 1}
"""Health that a single bad probe ends."""


def places(first: str, second: str) -> dict[str, Any]:
    """Two frontends on one port, the first bound to one address and the second to another."""
    return {"frontends": [frontend(bind=first), frontend("second", bind=second)], "health": NERVOUS}


def answered(node: Node) -> set[str]:
    """Where the probes got a good answer."""
    return {one["target"].split("/")[2] for one in node.status["probes"] if one["ok"]}


def serves_in_both(node: Node) -> None:
    """Each probe gets an answer in its place, and none of the change has cost the VIP."""
    node.until_master()
    node.until(
        lambda: answered(node) >= {f"{OWN}:{PORT}", f"{VIP}:{PORT}", f"127.0.0.1:{PORT}"}, "both, at both places"
    )
    assert not node.lines("vip.lost")


def test_two_frontends_change_their_addresses(node: Node) -> None:
    """On one port. A running Envoy refuses that, whatever the order."""
    node.write(**places(OWN, VIP))
    assert node.reload().body["actions"] == [PROXY[node.kind]]
    node.write(**places(VIP, OWN))
    answer = node.reload()
    actions = [HAND_OVER if node.kind is ProxyKind.ENVOY else PROXY[node.kind]]
    assert (answer.status, answer.body.get("actions")) == (200, actions)
    serves_in_both(node)


def test_the_addresses_change_well_before_keepalived_is_told(node: Node) -> None:
    """It is told when an earlier check of its config is over; until then the proxy is asked in its new places."""
    node.write(**places(OWN, VIP))
    assert node.reload().status == 200
    pid = node.status["keepalived"]["pid"]
    with (node.paths.current / "keepalived.conf").open("a") as file:
        file.write("#\n" * 30_000_000)  # the check of that takes seconds; a stopped one would be found to hang
    os.kill(pid, signal.SIGHUP)
    node.until(lambda: bool(checks(pid)), "its check")
    node.write(**places(VIP, OWN), vrrp={"advert_int": 0.2})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(node.reload)
        node.until(lambda: answered(node) >= {f"{OWN}:{PORT}", f"127.0.0.1:{PORT}"}, "answers from the new places")
        assert checks(pid), "keepalived has been told already"
        assert (answer.result().status, len(answer.result().body["actions"])) == (200, 2)
    serves_in_both(node)


def test_the_addresses_have_changed_when_the_daemon_comes_back(node: Node) -> None:
    """The proxy that it finds listens in the old places until it has taken up the file."""
    node.write(**places(OWN, VIP))
    assert node.reload().status == 200
    node.until(lambda: f"127.0.0.2:{PORT}" in answered(node), "the second one, at loopback")
    node.daemon.kill()
    node.daemon.wait(10)
    node.write(**places(VIP, OWN))
    node.start()
    serves_in_both(node)


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
