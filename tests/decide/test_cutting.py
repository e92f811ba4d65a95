"""Connections to a server that is down are cut, once, and not before new ones have gone elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halbd.decide.cutting import LONGEST_TRY, MARGIN
from halbd.model.effects import CutConnections, Effect
from halbd.model.events import ProxySeen
from halbd.model.evidence import FrontendView, ProxyView, ServerState, ServerView
from tests.decide.driver import Driver, of, running, view
from tests.sample import config


def cuts(node: Driver, since: int) -> list[Effect]:
    return list(of(CutConnections, node.effects[since:]))


def test_a_server_that_stays_down_is_cut_once_when_every_new_connection_was_retried() -> None:
    node = running()
    wait = node.state.config.frontends[0].timeouts.connect + MARGIN
    before = len(node.effects)
    node.live(wait - 0.5, up=2)
    assert cuts(node, before) == []
    node.live(20, up=2)
    assert cuts(node, before) == [CutConnections("kube-apiserver", "10.10.50.13:6443", "10.10.50.13:6443")]


@pytest.mark.parametrize("connect", [0, 300])
def test_without_a_limit_of_its_own_a_new_connection_has_the_kernels(connect: float) -> None:
    """Cut at once, it would end instead of going to another server."""
    usual = config()
    (frontend,) = usual.frontends
    slow = replace(frontend, timeouts=replace(frontend.timeouts, connect=connect))
    node = running(replace(usual, frontends=(slow,)))
    before = len(node.effects)
    node.live(LONGEST_TRY, up=2)
    assert cuts(node, before) == []
    node.live(20, up=2)
    assert len(cuts(node, before)) == 1


def test_it_is_the_same_for_envoy_but_not_for_a_server_that_only_refuses_connections() -> None:
    """Envoy puts such a one aside though its check is well: the watches that it has go on."""
    node = running(config(proxy={"kind": "envoy"}))
    before = len(node.effects)
    node.live(20, up=2)
    assert len(cuts(node, before)) == 1
    node.live(3)
    before = len(node.effects)
    one = view(node.state.config, 2).frontends[0]
    aside = ProxyView((replace(one, servers=tuple(replace(s, aside=True) for s in one.servers)),))
    for _ in range(20):
        node.post(ProxySeen(aside))
        node.wait(1)
    assert cuts(node, before) == []


def test_each_address_of_a_name_counts_for_itself() -> None:
    node = running()
    name, before = node.state.config.frontends[0].servers[0].name, len(node.effects)
    addresses = ("10.10.50.21:6443", "10.10.50.22:6443")
    for fallen in (1, 2):
        servers = tuple(ServerView(name, address, ServerState.DOWN, "") for address in addresses[:fallen])
        for _ in range(10):
            node.post(ProxySeen(ProxyView((FrontendView("kube-apiserver", servers),))))
            node.wait(1)
    assert [cut.address for cut in of(CutConnections, node.effects[before:])] == list(addresses)


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
