"""An outage behind the proxy: 0 moves when all are blind, one move when only the holder is."""

from __future__ import annotations

from halbd.decide.blind import HOLDER_BLIND, SEES, STANDBY_BLIND
from halbd.decide.timing import lag
from tests.decide.driver import running
from tests.sample import config


def test_a_standby_gives_way_at_once_and_a_holder_only_after_skew() -> None:
    standby, holder = running(), running(holder=True)
    wait = lag(holder.state.config)
    standby.live(1.1, up=0)
    holder.live(1.1, up=0)
    assert (standby.level, holder.level) == (STANDBY_BLIND, SEES)
    holder.live(wait - 2, up=0)
    assert holder.level == SEES
    holder.live(3, up=0)
    assert holder.level == HOLDER_BLIND


def test_when_the_servers_are_back_the_holder_rises_at_once_and_a_standby_after_skew() -> None:
    standby, holder = running(), running(holder=True)
    wait = lag(holder.state.config)
    for node in (standby, holder):
        node.live(wait + 5, up=0)
        node.live(1.1)
    assert (standby.level, holder.level) == (STANDBY_BLIND, SEES)
    standby.live(wait + 1)
    assert standby.level == SEES


def test_a_blind_standby_that_gets_the_vip_ranks_as_a_holder() -> None:
    node = running()
    node.live(1.1, up=0)
    node.hold()
    assert node.level == HOLDER_BLIND
    node.hold(present=False)
    assert node.level == STANDBY_BLIND


def test_a_standby_that_sees_again_and_gets_the_vip_rises_at_once() -> None:
    node = running()
    node.live(5, up=0)
    node.live(1.1)
    node.hold()
    assert node.level == SEES


def test_a_short_loss_of_sight_moves_nothing() -> None:
    node = running(holder=True)
    node.live(lag(node.state.config) - 2, up=0)
    node.live(30)
    assert node.level == SEES
    assert node.causes == []


def test_without_lower_priority_no_level_is_ever_pushed() -> None:
    node = running(config(health={"on_no_servers": "ignore"}), holder=True)
    node.live(30, up=0)
    assert node.level == SEES
    assert node.verdict.ok
