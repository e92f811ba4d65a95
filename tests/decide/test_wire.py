"""What the wire tells at the edges: when silence begins to mean something, and whose word counts."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from halbd.decide.wire import FLOOR, lasts, own, patience, resigned, rival, silent
from halbd.model.adverts import Advert, Claim
from halbd.model.guard import Guard
from halbd.model.replacing import replace
from halbd.model.state import State
from tests.decide.driver import Driver
from tests.sample import config

BEGIN = 1000.0
NODE = Driver(config(vrrp={"advert_int": 1}))
VIP = NODE.state.config.vips[0]
PATIENCE = patience(NODE.state.config)


def said(at: float, priority: int = 254) -> Claim:
    """This node's own advert."""
    return Claim(Advert(ip_address("10.10.50.2"), 4, priority, frozenset({VIP.address})), "eth0", own=True, at=at)


def heard(until: float, *claims: Claim, since: float | None = BEGIN) -> State:
    return replace(NODE.state, guard=Guard(claims, since, until, awake_since=BEGIN))


@pytest.mark.parametrize(("priority", "counts"), [(0, False), (1, True)])
def test_the_lowest_priority_is_still_that_of_a_master(priority: int, counts: bool) -> None:
    assert lasts(heard(BEGIN), said(BEGIN, priority)) is counts


@pytest.mark.parametrize("later", [0, 1])
def test_an_advert_lasts_until_the_patience_is_over_and_silence_begins_after_it(later: int) -> None:
    claim = said(BEGIN)
    state = heard(BEGIN + PATIENCE + later, claim)
    assert lasts(state, claim) is not bool(later)
    assert silent(state, VIP) is bool(later)
    assert silent(heard(BEGIN + PATIENCE + later), VIP) is bool(later)


def test_a_wire_that_is_not_listened_to_is_not_silent() -> None:
    assert not silent(heard(BEGIN + 1000, since=None), VIP)


def test_after_a_resignation_the_silence_begins_sooner() -> None:
    """Nothing more is due from it (RFC 9568, 6.4.3)."""
    assert FLOOR + 0.1 < PATIENCE
    assert silent(heard(BEGIN + FLOOR + 0.1, said(BEGIN, 0)), VIP)
    assert not silent(heard(BEGIN + FLOOR + 0.1, said(BEGIN)), VIP)


def test_the_last_word_counts_and_what_was_heard_before_a_gap_does_not() -> None:
    first, last = said(BEGIN), said(BEGIN + 1, 0)
    for claims in ((first, last), (last, first)):
        state = heard(BEGIN + 1, *claims)
        assert own(state, VIP) == last
        assert resigned(state, VIP)
    assert own(heard(BEGIN, first), VIP) == first
    assert own(heard(BEGIN, said(BEGIN - 0.1)), VIP) is None


def test_of_two_rivals_the_one_heard_last_is_named() -> None:
    nodes = [{"name": f"lb{n}", "address": f"10.10.50.{at}"} for n, at in ((1, 2), (2, 3), (3, 6))]
    three = Driver(config(nodes=nodes, vrrp={"advert_int": 1}))
    first, last = (
        Claim(Advert(ip_address(source), 4, 253, frozenset({VIP.address})), "eth0", own=False, at=BEGIN + later)
        for later, source in enumerate(("10.10.50.6", "10.10.50.3"))
    )
    for claims in ((first, last), (last, first)):
        state = replace(three.state, guard=Guard(claims, BEGIN, BEGIN + 1, awake_since=BEGIN))
        assert rival(state, VIP) == last
