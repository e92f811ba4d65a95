"""docs/how-to/moving-over.md, done step by step on a hand-made pair with a client looking on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.docs.client import now
from tests.docs.hand_made import Balancer, Pair, pair
from tests.docs.page import ROOT, files, titled

PAGE = ROOT / "docs/how-to/moving-over.md"
pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(400)]


class Move:
    """The operator: writes files, does the steps, looks who has the VIP."""

    def __init__(self, world: Pair) -> None:
        self.world = world

    def write(self, text: str) -> None:
        """The same file on both nodes."""
        for node in (self.world.lb1, self.world.lb2):
            node.write(text, self.world.ca, "k8s-vip")

    @contextmanager
    def step(self, name: str, holder: str, *, kept: tuple[Balancer, ...] = ()) -> Iterator[None]:
        """One heading of the page, until that node alone holds the VIP and all is well; on `kept` nothing moves."""
        began, before = now(), [len(node.moves) for node in kept]
        yield
        self.world.until(holder)
        self.world.client.go_on()
        print(f"{name}: {self.world.client.saw(began)}")  # noqa: T201  # the numbers of the page: pytest -s shows them
        assert [len(node.moves) for node in kept] == before

    def same_on_both(self, standby: Balancer, holder: Balancer) -> None:
        """What peers must share, changed while the standby is drained."""
        standby.halbctl("drain")
        holder.halbctl("reload")
        standby.halbctl("reload")
        standby.halbctl("undrain")


def test_a_hand_made_pair_becomes_halbds_under_a_client() -> None:
    first, raised, version_3, unicast = files(PAGE)
    with pair(titled(PAGE, "hand-made keepalived.conf"), titled(PAGE, "hand-made haproxy.cfg")) as world:
        lb1, lb2, move = world.lb1, world.lb2, Move(world)
        with move.step("1. a file, validated", "lb1"):
            move.write(first)
            lb2.halbctl("validate")
        with move.step("2. halbd on the standby", "lb1"):
            lb2.change_over()
        assert lb2.status["role"] == "backup"
        assert lb2.keepalived_conf.with_name("keepalived.conf.before-halbd").exists()
        with move.step("3. the VIP moves", "lb2"):
            move.write(raised)
            lb2.halbctl("reload")
        with move.step("4. halbd on the other", "lb2", kept=(lb2,)):
            lb1.change_over()
        with move.step("5. version 3", "lb1"):
            move.write(version_3)
            move.same_on_both(lb1, lb2)
        with move.step("6. unicast", "lb1", kept=(lb2,)):
            move.write(unicast)
            move.same_on_both(lb2, lb1)
        assert [one["change"] for one in lb2.moves] == ["gained", "lost"]
