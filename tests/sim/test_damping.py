"""A program that dies again and again: a proxy does not throw the VIP back and forth, keepalived leaves none behind."""

from __future__ import annotations

import pytest

from halbd.model.child import Program
from tests.sim.node import Node
from tests.sim.world import Setting, World

WARM_UP = 30.0
"""Simulated seconds."""
MOVE = 2
"""Transitions of one move: one node loses the VIP, another gains it."""


def dying(world: World, node: Node, lives: float, seconds: float) -> int:
    """How many transitions there were while a node's proxy died again and again, each time after `lives` seconds."""
    before = world.watch.counts["transitions"]
    node.dies_after = lives
    node.end(Program.PROXY)
    world.run(seconds)
    return world.watch.counts["transitions"] - before


@pytest.mark.parametrize(("lives", "moves"), [(6, 5), (11, 7)])
def test_the_vip_is_moved_a_few_times_in_ten_minutes_and_then_stays(lives: float, moves: int) -> None:
    world = World("3", Setting())
    world.run(WARM_UP)
    assert dying(world, world.nodes[0], lives, 600) <= moves * MOVE


def test_where_no_other_node_can_it_comes_back_whenever_the_proxy_serves() -> None:
    world = World("3", Setting())
    one, other = world.nodes
    other.cannot_start.add(Program.PROXY)
    world.run(WARM_UP)
    assert dying(world, one, 11, 120) >= 8


@pytest.mark.parametrize(("every", "advert_int", "unit"), [(8, 0.2, True), (30, 0.2, False), (30, 1, False)])
def test_a_keepalived_that_is_killed_again_and_again_leaves_two_holders_no_longer_than_the_first_time(
    every: float, advert_int: float, *, unit: bool
) -> None:
    """Each time it had taken the VIP by right: what halbd removed before was undone by nobody."""
    world = World("1", Setting(advert_int=advert_int, unit=unit))
    world.run(WARM_UP)
    for _ in range(15):
        world.nodes[0].end(Program.KEEPALIVED)
        world.run(every)
    assert world.nodes[0].daemon is not None
    assert [one.count for one in world.nodes[0].daemon.state.guard.mended.values()] == [1]
