"""A VIP through which the proxy here does not answer is left alone for a while."""

from __future__ import annotations

from tests.decide.driver import Driver, running


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
    for _ in range(3):
        unserved(node)
        bar = node.state.barred[node.vip]
        bars.append(bar.until - bar.since.mono)
        node.hold(present=False)
        node.live(bars[-1] + 1)
        node.hold()
    assert bars == [60, 120, 240]
