"""A VIP that is taken out of the file while its keepalived is dead is taken off by halbd."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from halbd.decide.holding import LEFT
from halbd.model.child import Program
from halbd.model.config import Config, LogLevel
from halbd.model.effects import RemoveAddress, Say
from halbd.model.events import AddressChanged, AddressesDumped, ConfigApplied, Exited, KeepalivedSeen, Spawned
from halbd.model.replacing import replace
from halbd.model.service import Idle
from tests.decide.driver import Driver, of, running
from tests.decide.wire import OURS, wired
from tests.sample import config

FIRST, SECOND, THIRD = (ip_address(f"10.10.50.{at}") for at in (4, 6, 7))
BOTH = config(vips=[{"address": str(FIRST)}, {"address": str(SECOND)}])
ONE = config(vips=[{"address": str(FIRST)}])


def holding(*, by_keepalived: bool | None = True) -> Driver:
    """Both are here, and keepalived has just died."""
    node = running(BOTH)
    for address in (SECOND, FIRST):
        node.post(AddressChanged(address, "eth0", present=True, by_keepalived=by_keepalived))
    die(node)
    return node


def die(node: Driver) -> None:
    node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0))


def taken(node: Driver, new: Config = ONE) -> list[RemoveAddress]:
    """What halbd takes off when that is the config."""
    done = node.post(ConfigApplied(new))
    said = [(say.level, say.fields) for say in of(Say, done) if say.event == "vip.stale"]
    off = of(RemoveAddress, done)
    fields = [{"vip": str(one.address), "interface": one.interface, "why": LEFT, "mended": True} for one in off]
    assert said == [(LogLevel.ERROR, one) for one in fields]
    return off


@pytest.mark.parametrize("by_keepalived", [True, None])
def test_it_is_taken_off_and_what_is_still_in_the_file_stays(*, by_keepalived: bool | None) -> None:
    assert taken(holding(by_keepalived=by_keepalived)) == [RemoveAddress(SECOND, "eth0")]


def test_each_of_several_is() -> None:
    off = taken(holding(), config(vips=[{"address": str(THIRD)}]))
    assert off == [RemoveAddress(FIRST, "eth0"), RemoveAddress(SECOND, "eth0")]


def test_a_keepalived_that_runs_does_it_by_itself() -> None:
    node = holding()
    node.post(Spawned(Program.KEEPALIVED, 201, 1))
    assert taken(node) == []


@pytest.mark.parametrize(
    ("seen", "off"),
    [
        (KeepalivedSeen(300), []),
        (KeepalivedSeen(None, failed=True), [RemoveAddress(SECOND, "eth0")]),
        (KeepalivedSeen(None, idle=Idle("keepalived.service was stopped", "systemctl start keepalived")), []),
    ],
)
def test_the_service_is_known_by_what_systemd_says(seen: KeepalivedSeen, off: list[RemoveAddress]) -> None:
    node = holding()
    node.state = replace(node.state, keepalived_is_child=False, keepalived_is_unit=True)
    node.post(seen)
    assert taken(node) == off


def test_one_that_somebody_added_is_left() -> None:
    assert taken(holding(by_keepalived=False)) == []


def test_so_is_one_that_was_found_here() -> None:
    node = running(BOTH)
    node.post(AddressesDumped(frozenset({(FIRST, "eth0"), (SECOND, "eth0")}), "found when halbd started"))
    die(node)
    assert taken(node) == []


def test_so_is_one_of_which_the_latest_tells_of_another_interface() -> None:
    node = holding()
    node.post(AddressChanged(SECOND, "eth1", present=True, by_keepalived=True))
    assert taken(node) == []


def test_so_is_one_of_which_nobody_knows_any_more_how_it_came() -> None:
    node = holding()
    for present in (False, True) * 5:
        node.post(AddressChanged(FIRST, "eth0", present=present))
    assert taken(node) == []


def test_so_is_one_that_a_keepalived_here_is_heard_to_have() -> None:
    wire = wired(holder=True, node=running(config(vips=[{"address": str(FIRST)}])))
    die(wire.node)
    other = config(vips=[{"address": str(THIRD)}])
    wire.live(1)
    state = wire.node.state
    assert taken(wire.node, other) == []
    wire.node.state = state
    wire.speaking.pop(OURS)
    wire.live(2)
    assert taken(wire.node, other) == [RemoveAddress(FIRST, "eth0")]


def test_where_keepalived_is_nobody_s_business_here_nothing_is() -> None:
    node = holding()
    node.state = replace(node.state, keepalived_is_child=False)
    assert taken(node) == []
