"""Nothing stale stays, and no good VIP is taken away by mistake."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from halbd.decide.rivals import TWO
from halbd.model.child import Program
from halbd.model.effects import Effect, Record, RemoveAddress, Say, Signal
from halbd.model.events import Exited, Tick
from halbd.model.guard import Sign
from tests.decide.driver import of, running
from tests.decide.wire import OURS, PEER, STRANGER, Wire, killed, removed, said, wired
from tests.sample import config

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


def test_two_masters_that_come_and_go_are_not_told_before_it_has_lasted() -> None:
    wire = wired(holder=True)
    for _ in range(5):
        wire.speaking[PEER] = 253
        assert said(wire.live(TWO - 0.8)) == []
        del wire.speaking[PEER]
        assert said(wire.live(1)) == []


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
