"""A keepalived that hangs is ended, one that is deaf is told again, and one that is only late is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halbd.model.child import Program
from halbd.model.effects import KillKeepalivedUnit, Signal, TakeUp
from halbd.model.events import KeepalivedLooked, KeepalivedSeen
from halbd.model.guard import Sign
from tests.decide.driver import Driver, of
from tests.decide.wire import PEER, killed, removed, said, wired


@pytest.mark.parametrize(("sign", "seconds"), [(Sign.STOPPED, 2.2), (Sign.UNREAD, 10.2), (Sign.NO_SOCKET, 3.2)])
def test_a_hung_standby_is_said_and_ended_once(sign: Sign, seconds: float) -> None:
    wire = wired(holder=False)
    done = wire.live(seconds, signs=frozenset({sign}))
    assert said(done) == ["keepalived.hung"]
    assert len(of(Signal, done)) == 1
    assert not killed(wire.live(20, signs=frozenset({sign})))
    assert killed(wire.live(20, signs=frozenset({sign})))


def test_a_sign_that_comes_and_goes_is_none() -> None:
    wire = wired(holder=False)
    for _ in range(10):
        assert not killed(wire.live(2, signs=frozenset({Sign.UNREAD})))
        wire.live(1)


def test_a_keepalived_that_is_late_but_reads_is_left_alone() -> None:
    """On a busy machine something waits to be read at every look; it is never all that waited before."""
    wire = wired(holder=True)
    pid = wire.node.state.keepalived.pid or 0
    for unread in (768, 1536, 2304, 3072, 256) * 4:
        assert not killed(wire.node.post(KeepalivedLooked(pid, frozenset({Sign.UNREAD}), unread)))


def test_one_that_reads_nothing_at_all_is_ended_though_its_sockets_are_full() -> None:
    wire = wired(holder=True)
    pid = wire.node.state.keepalived.pid or 0
    done = [e for unread in (768, 1536, *[2304] * 8) for e in wire.node.post(_unread(pid, unread))]
    assert killed(done)


def _unread(pid: int, octets: int) -> KeepalivedLooked:
    return KeepalivedLooked(pid, frozenset({Sign.UNREAD}), octets)


def test_a_look_at_an_earlier_keepalived_is_none() -> None:
    wire = wired(holder=False)
    for _ in range(5):
        assert not killed(wire.node.post(KeepalivedLooked(12345, frozenset({Sign.STOPPED}))))


def test_a_holder_whose_adverts_are_no_longer_heard_is_left_alone() -> None:
    """The peer is gone: nothing answers ARP for its address, so a unicast advert never leaves the machine."""
    wire = wired(holder=True)
    wire.speaking = {}
    done = wire.live(60)
    assert not removed(done)
    assert not killed(done)
    assert not said(done)


def test_one_that_lost_sight_of_the_track_files_is_told_to_look_again_until_it_does() -> None:
    wire = wired(holder=True)
    deaf = frozenset({Sign.DEAF})
    assert not of(TakeUp, wire.live(2, signs=deaf))  # it may be just starting
    done = wire.live(7, signs=deaf)
    assert of(TakeUp, done) == [TakeUp(Program.KEEPALIVED)] * 3
    assert said(done) == ["keepalived.deaf"]
    assert not killed(done)
    assert not of(TakeUp, wire.live(7))


def test_a_keepalived_that_systemd_runs_is_ended_by_systemd() -> None:
    node = Driver(child=False)
    node.state = replace(node.state, keepalived_is_unit=True)
    node.spawned()
    node.post(KeepalivedSeen(300))
    wire = wired(holder=False, node=node)
    done = wire.live(2.2, signs=frozenset({Sign.STOPPED}))
    assert of(KillKeepalivedUnit, done) == [KillKeepalivedUnit()]


def test_a_unit_that_somebody_stopped_is_left_alone() -> None:
    node = Driver(child=False)
    node.state = replace(node.state, keepalived_is_unit=True)
    node.spawned()
    node.post(KeepalivedSeen(None))
    wire = wired(holder=True, node=node)
    wire.speaking = {PEER: 253}
    done = wire.live(5)
    assert removed(done)
    assert not killed(done)
