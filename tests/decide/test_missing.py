"""A VIP that is missing: who took it is named, and it is put back where keepalived does not do that."""

from __future__ import annotations

from halbd.model.config import Address
from halbd.model.effects import Record, RestoreAddress
from halbd.model.events import AddressChanged
from tests.decide.driver import of
from tests.decide.wire import OURS, PEER, TURN, wired


def test_a_vip_that_somebody_deleted_is_named_so_and_put_back_where_keepalived_does_not() -> None:
    wire = wired(holder=True)
    wire.turn()
    (record,) = of(Record, wire.node.hold(present=False))
    assert (record.transition.cause, record.transition.interface) == (
        "removed by somebody else than keepalived",
        "eth0",
    )
    assert not of(RestoreAddress, wire.live(0.4))
    done = wire.live(0.8)
    assert [effect.vip.address for effect in of(RestoreAddress, done)] == [wire.node.vip]
    (record,) = of(Record, wire.node.hold())
    assert record.transition.cause.startswith("put back by halbd")


def test_a_vip_that_keepalived_gave_up_is_not_put_back() -> None:
    wire = wired(holder=True)
    wire.speaking = {OURS: 0}
    wire.turn()
    (record,) = of(Record, wire.node.hold(present=False))
    assert record.transition.cause.startswith("keepalived gave it up")
    wire.speaking = {PEER: 253}
    assert not of(RestoreAddress, wire.live(10))


def test_who_asked_the_kernel_is_known_better_than_what_was_heard_since() -> None:
    """The reading came a few milliseconds late: keepalived resigns as soon as it sees its VIP deleted."""
    wire = wired(holder=True)
    wire.speaking = {OURS: 0, PEER: 253}
    wire.turn()
    gone = AddressChanged(wire.node.vip, "eth0", present=False, port=99, by_keepalived=False)
    (record,) = of(Record, wire.node.post(gone))
    assert record.transition.cause == "removed by somebody else than keepalived"
    back = AddressChanged(wire.node.vip, "eth0", present=True, port=98, by_keepalived=True)
    (record,) = of(Record, wire.node.post(back))
    assert record.transition.cause == "elected: no better node is heard"


def test_a_better_node_that_took_over_is_named() -> None:
    wire = wired(holder=True)
    wire.speaking = {PEER: 254}
    wire.turn()
    (record,) = of(Record, wire.node.hold(present=False))
    assert record.transition.cause == "a better node took over: lb2 (priority 254)"


def blind(*, speaking: dict[Address, int]) -> str:
    """The cause by which a holder that sees no server loses its VIP, where these are heard."""
    wire = wired(holder=True)
    wire.node.live(25, up=0)
    wire.speaking = {OURS: 252}
    for _ in range(25):
        wire.turn()
        wire.node.live(TURN, up=0)
    assert any(wire.node.state.levels.values())
    wire.speaking = speaking
    wire.turn()
    (record,) = of(Record, wire.node.hold(present=False))
    return record.transition.cause


def test_only_a_peer_that_is_heard_takes_over_from_a_node_without_servers() -> None:
    assert blind(speaking={OURS: 252, PEER: 253}) == "no_servers: a peer that sees servers took over"
    assert blind(speaking={OURS: 0}).startswith("keepalived gave it up: it was stopped")


def test_an_interface_that_goes_down_is_named() -> None:
    wire = wired(holder=True)
    down = AddressChanged(wire.node.vip, "eth0", present=False, up=False)
    (record,) = of(Record, wire.node.post(down))
    assert record.transition.cause == "eth0 went down"
