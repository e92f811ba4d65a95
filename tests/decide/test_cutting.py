"""Connections to a server that is down are cut, once, and not before new ones have gone elsewhere."""

from __future__ import annotations

from halbd.decide.cutting import MARGIN
from halbd.model.effects import CutConnections, Effect
from tests.decide.driver import Driver, of, running


def cuts(node: Driver, since: int) -> list[Effect]:
    return list(of(CutConnections, node.effects[since:]))


def test_a_server_that_stays_down_is_cut_once_when_every_new_connection_was_retried() -> None:
    node = running()
    wait = node.state.config.frontends[0].timeouts.connect + MARGIN
    before = len(node.effects)
    node.live(wait - 0.5, up=2)
    assert cuts(node, before) == []
    node.live(20, up=2)
    assert cuts(node, before) == [CutConnections("kube-apiserver", "10.10.50.13:6443")]


def test_a_server_that_comes_back_in_time_is_not_cut() -> None:
    node = running()
    before = len(node.effects)
    node.live(4, up=2)
    node.live(20)
    assert cuts(node, before) == []


def test_each_fall_counts_anew() -> None:
    node = running()
    before = len(node.effects)
    for _ in range(2):
        node.live(10, up=2)
        node.live(3)
    assert len(cuts(node, before)) == 2


def test_another_proxy_process_starts_with_a_clean_sheet() -> None:
    node = running()
    node.live(4, up=2)
    node.died()
    node.wait(1)
    node.spawned(101)
    assert node.state.down == {}
