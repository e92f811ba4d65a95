"""A VIP on an interface that is not its own is told, and taken off where a node is heard to have it."""

from __future__ import annotations

import pytest

from halbd.model.effects import Effect, Record, RemoveAddress, Say
from halbd.model.events import AddressChanged
from halbd.model.transition import Role
from tests.decide.driver import of
from tests.decide.wire import OURS, Wire, removed, wired

ELSEWHERE = pytest.mark.parametrize("interface", ["lo", "eth1"])


def astray(wire: Wire, interface: str, *, present: bool = True) -> list[Effect]:
    return wire.node.post(AddressChanged(wire.node.vip, interface, present, port=99, by_keepalived=False))


@ELSEWHERE
def test_a_vip_that_somebody_added_elsewhere_on_the_standby_is_told_and_removed_within_a_second(interface: str) -> None:
    wire = wired(holder=False)
    (record,) = of(Record, astray(wire, interface))
    one = record.transition
    assert (one.gained, one.interface, one.cause) == (True, interface, "added by somebody else than keepalived")
    assert (one.role_before, one.role_after) == (Role.BACKUP, Role.BACKUP)
    assert not wire.node.state.held
    done = wire.live(1)
    assert of(RemoveAddress, done) == [RemoveAddress(wire.node.vip, interface)]
    assert [(say.event, say.fields["interface"]) for say in of(Say, done)] == [("vip.stale", interface)]
    (record,) = of(Record, astray(wire, interface, present=False))
    assert record.transition.cause.startswith("stale, removed by halbd: lb2 (priority 253) advertises it")
    assert record.transition.lasted == pytest.approx(1)
    assert not removed(wire.live(5))


@ELSEWHERE
def test_on_the_holder_it_is_removed_as_well_and_the_right_one_stays(interface: str) -> None:
    """Else it would be a second holder from the moment on that the VIP moves."""
    wire = wired(holder=True)
    astray(wire, interface)
    assert of(RemoveAddress, wire.live(1)) == [RemoveAddress(wire.node.vip, interface)]
    (record,) = of(Record, astray(wire, interface, present=False))
    assert record.transition.cause == "stale, removed by halbd: keepalived has it on eth0, where it belongs"
    assert wire.node.vip in wire.node.state.held


def test_it_is_left_where_no_node_is_heard_to_have_it() -> None:
    wire = wired(holder=False)
    wire.speaking = {}
    wire.live(2)
    astray(wire, "lo")
    assert not removed(wire.live(60))


def test_it_is_left_while_the_vip_is_about_to_come_here() -> None:
    """Keepalived advertises it, and has not set it yet."""
    wire = wired(holder=False, speaking={OURS: 254})
    astray(wire, "lo")
    assert not removed(wire.live(0.4))


def test_who_takes_it_off_is_told_as_anywhere_else() -> None:
    wire = wired(holder=True)
    astray(wire, "eth1")
    (record,) = of(Record, astray(wire, "eth1", present=False))
    assert record.transition.cause == "removed by somebody else than keepalived"
    astray(wire, "eth1")
    down = AddressChanged(wire.node.vip, "eth1", present=False, up=False)
    (record,) = of(Record, wire.node.post(down))
    assert record.transition.cause == "eth1 went down"
