"""A healthy node whose keepalived leaves the VIP to nobody says so; every other silence has its own explanation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from halbd.decide.status import stamp, status
from halbd.decide.unclaimed import patience
from halbd.model.child import Program
from halbd.model.config import LogLevel
from halbd.model.effects import Say
from halbd.model.events import DrainRequested, Exited, PushFailed, StopRequested
from halbd.model.evidence import Now
from halbd.model.guard import Sign
from halbd.model.paths import FAULT
from tests.decide.driver import BEGIN, Driver, of, running
from tests.decide.wire import OURS, PEER, STRANGER, TURN, Wire, said, wired
from tests.sample import config

LONG = 30.0  # seconds


def quiet(node: Driver | None = None) -> Wire:
    """A standby that was well, and hears nobody any more."""
    wire = wired(holder=False, node=node)
    wire.speaking = {}
    return wire


def told(wire: Wire, seconds: float = LONG) -> bool:
    return "vip.nobody" in said(wire.live(seconds))


def test_it_is_said_once_and_shown_for_as_long_as_it_lasts() -> None:
    wire = quiet()
    node = wire.node
    wire.live(1.0)
    begun = node.now
    assert not told(wire, patience(node.state.config) - 2)
    done = wire.live(LONG)
    assert [one for one in of(Say, done) if one.event == "vip.nobody"] == [
        Say(LogLevel.ERROR, "vip.nobody", {"vip": "10.10.50.4"})
    ]
    shown = status(node.state, node.now)["keepalived"]["silent"]
    assert shown["vips"] == ["10.10.50.4"]
    assert shown["since"] <= status(replace(node.state, transitions=()), begun)["keepalived"]["silent"]["since"]
    wire.speaking = {PEER: 253}
    wire.live(1)
    assert status(node.state, node.now)["keepalived"]["silent"] is None
    wire.speaking = {}
    assert told(wire), "a second time is told anew"


def test_its_own_vip_or_advert_ends_it() -> None:
    wire = quiet()
    assert told(wire)
    wire.node.hold()
    wire.live(1)
    assert status(wire.node.state, wire.node.now)["keepalived"]["silent"] is None
    wire = quiet()
    wire.speaking = {OURS: 254}
    assert not told(wire)


def test_a_claim_in_between_begins_the_patience_anew() -> None:
    wire = quiet()
    wire.live(8)
    wire.speaking = {PEER: 253}
    wire.live(1)
    wire.speaking = {}
    assert not told(wire, 8)
    assert told(wire)


def test_of_two_vips_that_nobody_holds_both_are_told_in_order() -> None:
    """Of different families: their addresses cannot be compared."""
    six = {"address": "2001:db8::4", "interface": "eth0"}
    node = running(config(vips=[six, {"address": "10.10.50.4"}], vrrp={"unicast": False}))
    wire = wired(holder=False, node=node)
    wire.vips, wire.speaking = frozenset({vip.address for vip in node.state.config.vips}), {}
    done = wire.live(LONG)
    vips = [one.fields["vip"] for one in of(Say, done) if one.event == "vip.nobody"]
    assert vips == ["10.10.50.4", "2001:db8::4"]
    since = {address: Now(mono, BEGIN + timedelta(seconds=mono)) for mono, address in enumerate(node.state.guard.quiet)}
    node.state = replace(node.state, guard=replace(node.state.guard, quiet=dict(reversed(since.items()))))
    assert status(node.state, node.now)["keepalived"]["silent"] == {"vips": vips, "since": stamp(BEGIN)}


def test_a_stranger_s_claim_and_a_resignation_are_none() -> None:
    for speaking in ({STRANGER: 200}, {PEER: 0}):
        wire = quiet()
        wire.speaking = speaking
        assert told(wire)


def test_a_node_that_may_not_hold_the_vip_or_is_handing_over_has_its_own_reason() -> None:
    wire = quiet()
    wire.node.died()
    assert not told(wire)
    wire = quiet()
    wire.node.post(DrainRequested(wire.node.now.wall, None, force=False))
    assert not told(wire)
    wire = quiet()
    wire.node.post(StopRequested())
    assert not told(wire)


def test_a_node_that_knows_too_little_of_itself_tells_nothing() -> None:
    wire = quiet()
    for _ in range(round(LONG / TURN)):
        wire.node.wait(TURN)
        assert "vip.nobody" not in said(wire.turn())
    assert wire.node.verdict.stale
    assert wire.node.fault == 0


def test_a_keepalived_that_could_not_be_told_yes_has_its_reason() -> None:
    wire = quiet()
    for _ in range(round(LONG / TURN)):
        wire.node.live(TURN)
        wire.node.post(PushFailed(FAULT))
        assert "vip.nobody" not in said(wire.turn())


def test_a_keepalived_that_does_not_run_or_hangs_is_told_as_that() -> None:
    wire = quiet()
    wire.node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0))
    assert not told(wire)
    wire = quiet()
    done = wire.live(LONG, signs=frozenset({Sign.STOPPED}))
    assert "vip.nobody" not in said(done)


def test_one_that_is_nobody_s_business_here_is_told_all_the_same() -> None:
    node = Driver(child=False)
    node.spawned()
    node.live(3)
    assert told(quiet(node))


def test_a_daemon_that_slept_begins_anew() -> None:
    wire = quiet()
    wire.live(8)
    wire.node.mono += 5
    assert not told(wire, 8)
    assert told(wire)
    wire.node.mono += 5
    wire.live(1)
    assert status(wire.node.state, wire.node.now)["keepalived"]["silent"] is None


def test_without_a_listener_nothing_is_told() -> None:
    node = running()
    node.live(LONG)
    assert "vip.nobody" not in said(node.effects)


@pytest.mark.parametrize(("vrrp", "seconds"), [({}, 10.8), ({"advert_int": 2, "preempt_delay": 60}, 78)])
def test_a_slow_vrrp_is_given_its_time(vrrp: dict[str, object], seconds: float) -> None:
    assert patience(config(vrrp=vrrp)) == pytest.approx(seconds)
