"""A VIP that the proxy here does not serve is left alone, until that has lasted or somebody has cured it."""

from __future__ import annotations

import pytest

from tests.daemon.node import PORT, VIP, Node
from tests.render.netns import inside, run

pytestmark = pytest.mark.root
SHUT = (
    "add table inet t; add chain inet t in { type filter hook input priority 0; }; "
    f"add rule inet t in ip daddr {VIP} tcp dport {PORT} drop"
)


def test_undrain_tries_it_again_once_the_cause_is_cured(node: Node) -> None:
    run(*inside(node.place, "nft", SHUT))
    node.until(lambda: node.causes == ["vip_unserved"] and not node.holds_vip, "left alone")
    run(*inside(node.place, "nft", "flush ruleset"))
    assert node.ask("POST", "/undrain").body == {"result": "not drained", "tried_again": [VIP], "warnings": []}
    node.until(lambda: node.holds_vip and node.status["healthy"], "held again")
    assert node.ask("POST", "/undrain").body["tried_again"] == []
