"""Nothing stale stays, and no good VIP is taken away by mistake."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.decide.status import status
from halbd.model.adverts import Advert, Claim
from halbd.model.child import Program
from halbd.model.config import Address
from halbd.model.effects import Effect, KillKeepalivedUnit, Record, RemoveAddress, RestoreAddress, Say, Signal, TakeUp
from halbd.model.events import AddressChanged, AdvertsHeard, Exited, KeepalivedLooked, KeepalivedSeen, Tick
from halbd.model.guard import Sign
from halbd.model.transition import Role
from tests.decide.driver import Driver, of, running
from tests.sample import config

OURS, PEER, STRANGER = ip_address("10.10.50.2"), ip_address("10.10.50.3"), ip_address("10.10.50.77")
TURN = 0.2  # seconds between two readings of the wire, as the daemon takes them


class Wire:
    """What is heard while time passes: who speaks, on what is in `speaking` (source to priority)."""

    def __init__(self, node: Driver) -> None:
        self.node = node
        self.since = node.mono
        self.speaking: dict[Address, int] = {}
        self.last: dict[Address, Claim] = {}
        self.vips = frozenset({node.vip})

    def turn(self) -> list[Effect]:
        """One reading."""
        for source, priority in self.speaking.items():
            advert = Advert(source, 4, priority, self.vips)
            self.last[source] = Claim(advert, "eth0", source == OURS, self.node.mono)
        return self.node.post(AdvertsHeard(tuple(self.last.values()), self.since, self.node.mono))

    def live(self, seconds: float, **signs: frozenset[Sign]) -> list[Effect]:
        """Time passes; probes are answered, the wire is read, keepalived is looked at once a second."""
        done: list[Effect] = []
        for turn in range(round(seconds / TURN)):
            before = len(self.node.effects)
            self.node.live(TURN)
            self.turn()
            if turn % 5 == 4:
                pid = self.node.state.keepalived.pid or 0
                self.node.post(KeepalivedLooked(pid, signs.get("signs", frozenset())))
            done += self.node.effects[before:]
        return done


def wired(*, holder: bool, speaking: dict[Address, int] | None = None, node: Driver | None = None) -> Wire:
    """A node that has been well, and listening, for a while."""
    wire = Wire(node or running())
    wire.speaking = speaking if speaking is not None else {OURS: 254} if holder else {PEER: 253}
    wire.live(3)
    if holder:
        wire.node.hold()
        wire.live(3)
    return wire


def removed(effects: list[Effect]) -> bool:
    return bool(of(RemoveAddress, effects))


def said(effects: list[Effect]) -> list[str]:
    return [say.event for say in of(Say, effects)]


def killed(effects: list[Effect]) -> bool:
    return bool(of(Signal, effects) or of(KillKeepalivedUnit, effects))


# a VIP that should not be here


def test_a_vip_that_somebody_added_to_the_standby_is_removed_within_a_second() -> None:
    wire = wired(holder=False)
    (record,) = of(Record, wire.node.hold())
    assert record.transition.cause.startswith("added by somebody else")
    done = wire.live(1)
    assert of(RemoveAddress, done) == [RemoveAddress(wire.node.vip, "eth0")]
    assert not killed(done)
    (record,) = of(Record, wire.node.hold(present=False))
    assert record.transition.cause.startswith("stale, removed by halbd: lb2 (priority 253) advertises it")


def test_what_a_dead_keepalived_left_is_removed_once_a_peer_has_taken_over() -> None:
    wire = wired(holder=True)
    wire.speaking = {}
    assert not removed(wire.live(0.8))
    wire.speaking = {PEER: 253}
    assert removed(wire.live(0.6))


def test_a_vip_that_a_fit_holder_may_not_have_is_left_alone_as_long_as_it_advertises_it() -> None:
    """Two masters: VRRP settles that, or a person must. It is said once."""
    wire = wired(holder=True)
    wire.speaking[PEER] = 253
    done = wire.live(20)
    assert not removed(done)
    assert not killed(done)
    assert said(done) == ["vrrp.two_masters"]
    del wire.speaking[PEER]
    wire.live(5)
    wire.speaking[PEER] = 253
    assert said(wire.live(5)) == ["vrrp.two_masters"]


def test_a_move_at_a_long_interval_is_no_second_master() -> None:
    """The old master's last advert counts for 2.5 s at advert_int 1."""
    node = running(config(vrrp={"version": 2, "advert_int": 1}))
    wire = wired(holder=False, speaking={PEER: 253}, node=node)
    wire.speaking[OURS] = 254
    wire.node.hold()
    done = wire.live(0.2)
    del wire.speaking[PEER]
    assert "vrrp.two_masters" not in said(done + wire.live(10))


def test_a_removal_that_does_not_last_is_tried_again_ever_more_slowly() -> None:
    wire = wired(holder=False)
    wire.node.hold()
    assert 4 <= len(of(RemoveAddress, wire.live(30))) <= 6


def test_a_vip_that_stays_though_the_verdict_fails_is_removed_and_its_keepalived_ended() -> None:
    wire = wired(holder=True)
    wire.node.died()
    assert wire.node.fault == 1
    done = wire.live(1.4)
    assert removed(done)
    assert of(Signal, done)
    assert "keepalived.hung" in said(done)


def test_a_vip_that_somebody_adds_to_an_unfit_node_is_removed_and_keepalived_is_not_to_blame() -> None:
    wire = wired(holder=False)
    wire.node.died()
    wire.live(3)
    wire.node.hold()
    done = wire.live(3)
    (why, *_) = [one.fields["why"] for one in of(Say, done) if one.event == "vip.stale"]
    assert why == "this node may not hold it, and it came all the same"
    assert removed(done)
    assert not of(Signal, done)
    assert "keepalived.hung" not in said(done)


def test_that_takes_no_listener() -> None:
    node = running(holder=True)
    node.died()
    assert removed(node.wait(1.2))


def test_a_keepalived_that_is_nobody_s_business_here_is_only_reported() -> None:
    node = running()
    node.state = replace(node.state, keepalived_is_child=False)
    wire = wired(holder=False, node=node)
    wire.node.hold()
    done = wire.live(3, signs=frozenset({Sign.STOPPED}))
    assert {"vip.stale", "keepalived.hung"} <= set(said(done))
    assert not removed(done)
    assert not killed(done)


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


# a VIP on an interface that is not its own


ELSEWHERE = pytest.mark.parametrize("interface", ["lo", "eth1"])


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


def astray(wire: Wire, interface: str, *, present: bool = True) -> list[Effect]:
    return wire.node.post(AddressChanged(wire.node.vip, interface, present, port=99, by_keepalived=False))


# a VIP that must not be taken away


def test_a_holder_that_hears_nobody_keeps_its_vip_without_keepalived() -> None:
    """Nobody else is there to serve: the VIP stays until keepalived is back."""
    wire = wired(holder=True)
    wire.node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0))
    wire.speaking = {}
    assert not removed(wire.live(60))


def test_a_daemon_that_was_stopped_for_a_minute_believes_nothing_that_it_knew_before() -> None:
    wire = wired(holder=True, speaking={OURS: 254, PEER: 253})
    wire.speaking = {PEER: 253}
    wire.live(0.4)
    wire.node.mono += 60  # SIGSTOP; on the wire all is well by now
    assert not removed(wire.node.post(Tick()))
    wire.speaking = {OURS: 254}
    assert not removed(wire.live(10))


def test_what_had_waited_in_the_socket_meanwhile_is_no_evidence() -> None:
    """The listener throws it away, and says from when on it can be believed."""
    wire = wired(holder=True)
    wire.node.mono += 60
    wire.since = wire.node.mono
    wire.speaking = {PEER: 253}
    assert not removed(wire.turn())
    wire.speaking = {OURS: 254}
    assert not removed(wire.live(10))


def test_after_a_gap_silence_must_be_heard_anew() -> None:
    """An overrun: what was lost may have been our own adverts."""
    wire = wired(holder=True)
    wire.speaking = {PEER: 253}
    done: list[Effect] = []
    for _ in range(20):
        wire.since = wire.node.mono
        done += wire.live(0.4)
    assert not removed(done)


def test_a_daemon_that_has_just_started_waits_before_it_believes_in_silence() -> None:
    wire = Wire(running())
    wire.speaking = {PEER: 253}
    wire.node.hold()
    assert not removed(wire.live(0.4))


def test_a_verdict_that_failed_before_a_gap_gives_keepalived_its_second_again() -> None:
    wire = wired(holder=True)
    wire.node.died()
    wire.node.mono += 60
    assert not removed(wire.node.post(Tick()))
    assert not removed(wire.node.hold(present=False))


def test_a_vip_that_has_just_arrived_is_not_stale_yet() -> None:
    """Keepalived's first advert may be in a reading that comes later."""
    wire = wired(holder=False, speaking={})
    wire.speaking = {PEER: 253}
    wire.node.hold()
    wire.turn()
    wire.speaking = {OURS: 254, PEER: 253}  # a move: both speak for a moment
    assert not removed(wire.live(1))
    wire.speaking = {OURS: 254}
    assert not removed(wire.live(5))


def test_a_peer_that_gives_up_does_not_claim_anything() -> None:
    wire = wired(holder=True)
    wire.speaking = {PEER: 0}
    assert not removed(wire.live(10))


def test_a_stranger_s_word_removes_nothing_and_is_told_once() -> None:
    wire = wired(holder=True)
    wire.speaking = {STRANGER: 255}
    done = wire.live(10)
    assert not removed(done)
    assert said(done).count("vrrp.stranger") == 1


def test_the_log_tells_of_a_few_strangers_and_not_of_a_flood() -> None:
    wire = wired(holder=True)
    wire.speaking |= {ip_address(f"10.10.50.{host}"): 1 for host in range(100, 200)}
    assert said(wire.live(2)).count("vrrp.stranger") == 16
    wire.speaking = {ip_address(f"10.10.51.{host}"): 1 for host in range(100)}
    assert "vrrp.stranger" not in said(wire.live(2))


def test_an_advert_for_other_addresses_on_our_number_is_no_claim() -> None:
    wire = wired(holder=True)
    wire.vips = frozenset({ip_address("10.10.50.200")})
    wire.speaking = {PEER: 253}
    assert not removed(wire.live(10))


def test_a_slow_advert_int_is_given_its_time() -> None:
    """Version 2, one second: a holder says nothing for a second at a time."""
    wire = wired(holder=True, node=running(config(vrrp={"version": 2, "advert_int": 1})))
    for _ in range(8):
        wire.speaking = {OURS: 254, PEER: 253}
        wire.turn()
        wire.speaking = {PEER: 253}
        assert not removed(wire.live(2))


def test_by_multicast_the_peers_speak_from_addresses_that_the_file_need_not_name() -> None:
    wire = wired(holder=False, node=running(config(vrrp={"unicast": False})), speaking={STRANGER: 253})
    wire.node.hold()
    done = wire.live(1)
    assert removed(done)
    assert "vrrp.stranger" not in said(done)


# a VIP that is missing


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


# a keepalived that hangs


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


# what status says


def test_status_shows_the_peers_view_and_a_keepalived_that_hangs() -> None:
    wire = wired(holder=True, speaking={OURS: 254, PEER: 0, STRANGER: 7})
    done = wire.live(2.2, signs=frozenset({Sign.STOPPED}))
    assert killed(done)
    shown = status(wire.node.state, wire.node.now)["keepalived"]
    assert shown["hung"]["why"] == Sign.STOPPED
    rows = [(one["node"], one["own"], one["virtual_router_id"], one["priority"]) for one in shown["adverts"]]
    assert rows == [("lb1", True, 4, 254), ("lb2", False, 4, 0), ("10.10.50.77", False, 4, 7)]
    assert all(one["age_s"] < 1 for one in shown["adverts"])


def test_without_a_listener_status_says_that_nothing_is_known() -> None:
    node = running()
    assert status(node.state, node.now)["keepalived"]["adverts"] is None
