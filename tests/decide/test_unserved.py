"""A VIP through which the proxy here does not answer is left alone for a while."""

from __future__ import annotations

import pytest

from halbd.model.events import ConfigApplied, Event, UndrainRequested
from tests.decide.driver import Driver, running
from tests.sample import config


def unserved(node: Driver) -> None:
    """Three answers, and none through the VIP."""
    for _ in range(3):
        node.wait(1)
        node.look()
        for name in list(node.state.series):
            node.answer_one(name, ok=not name.startswith("vip/"), connected=False)


def test_a_vip_that_goes_unserved_here_is_left_alone_for_a_while() -> None:
    node = running(holder=True)
    unserved(node)
    assert node.causes == ["vip_unserved"]
    node.hold(present=False)
    assert node.causes == ["vip_unserved"], "gone with the VIP, the evidence still counts"
    node.live(61)
    assert node.verdict.healthy


def test_whoever_adds_a_vip_by_hand_does_not_vouch_for_it() -> None:
    node = running(holder=True)
    unserved(node)
    assert node.causes == ["vip_unserved"]
    node.hold(present=False)
    node.wait(0.5)
    node.hold()
    assert (node.causes, node.fault) == (["vip_unserved"], 1)


def test_each_bar_in_a_row_is_twice_as_long() -> None:
    node = running(holder=True)
    bars = []
    for _ in range(6):
        unserved(node)
        bar = node.state.barred[node.vip]
        bars.append(bar.until - bar.since.mono)
        node.hold(present=False)
        node.live(bars[-1] + 1)
        node.hold()
    assert bars == [60, 120, 240, 480, 600, 600]


def barred() -> Driver:
    node = running(holder=True)
    unserved(node)
    node.hold(present=False)
    node.wait(10)
    assert node.causes == ["vip_unserved"]
    return node


@pytest.mark.parametrize("again", [UndrainRequested(), ConfigApplied(config())])
def test_somebody_who_has_cured_the_cause_ends_it_but_not_the_doubt(again: Event) -> None:
    node = barred()
    node.post(again)
    node.live(2)
    assert node.verdict.healthy
    node.hold()
    unserved(node)
    assert node.causes == ["vip_unserved"]
    bar = node.state.barred[node.vip]
    assert bar.until - bar.since.mono == 120


def test_one_that_is_over_is_made_no_longer_by_that() -> None:
    node = barred()
    node.live(60)
    before = node.state.barred
    node.post(UndrainRequested())
    assert node.state.barred == before


def test_a_vip_that_is_no_longer_in_the_file_bars_the_node_from_no_other() -> None:
    node = barred()
    node.post(ConfigApplied(config(vips=[{"address": "10.10.50.5"}])))
    node.live(2)
    assert node.verdict.healthy
    assert node.state.barred == {}
