"""Both ends of a connection learn that its VIP has left, when there is somebody else to turn to."""

from __future__ import annotations

from ipaddress import ip_address

from halbd.decide.parting import AGAIN, PATIENCE, RETURN, TAKEN
from halbd.model.child import Program
from halbd.model.effects import Effect, EndConnections, Poke, Say, Signal
from halbd.model.events import AddressesDumped, ConnectionsEnded, Exited, StopRequested
from halbd.model.flow import Flow
from tests.decide.driver import Driver, of, running
from tests.decide.wire import OURS, PEER, wired
from tests.sample import config

FLOW = Flow(ip_address("10.10.50.4"), 6443, ip_address("10.10.50.77"), 40000)


def standby() -> Driver:
    """A node that another one is preferred to, and that holds the VIP for once."""
    return running(config(vips=[{"address": "10.10.50.4", "prefer": "lb2"}]), holder=True)


def told(effects: list[Effect]) -> list[EndConnections]:
    return of(EndConnections, effects)


def test_a_better_node_had_the_vip_first_so_all_are_told_at_once() -> None:
    node = standby()
    assert told(node.hold(present=False)) == [EndConnections(node.vip)]


def test_a_lowered_priority_was_an_offer_so_all_are_told_at_once() -> None:
    node = running(holder=True)
    node.live(30, up=0)
    assert told(node.hold(present=False)) == [EndConnections(node.vip)]


def test_after_a_fault_they_are_told_when_the_peer_has_had_its_skew_time() -> None:
    node = running(holder=True)
    node.died()
    assert told(node.hold(present=False)) == []
    skew = (256 - 253) / 256 * 0.2
    assert told(node.wait(skew + TAKEN - 0.001)) == []
    assert told(node.wait(0.002)) == [EndConnections(node.vip)]


def test_version_2_counts_its_skew_time_in_seconds() -> None:
    nodes = [
        {"name": "lb1", "address": "10.10.50.2", "priority": 150},
        {"name": "lb2", "address": "10.10.50.3", "priority": 128},
    ]
    node = running(config(nodes=nodes, vrrp={"version": 2, "advert_int": 2}), holder=True)
    node.died()
    node.hold(present=False)
    assert told(node.wait(0.5)) == []
    assert told(node.wait(0.1)) == [EndConnections(node.vip)]


def test_a_keepalived_that_has_ended_leaves_it_to_the_peers_like_a_fault() -> None:
    node = running(holder=True)
    node.post(Exited(Program.KEEPALIVED, 200, "exit code 0", 0.0))
    assert told(node.hold(present=False)) == []
    assert told(node.wait(0.1)) == [EndConnections(node.vip)]


def test_a_vip_that_was_removed_by_hand_and_put_back_keeps_its_connections() -> None:
    node = running(holder=True)
    node.hold(present=False)
    assert told(node.wait(0.42)) == []
    node.hold()
    assert told(node.wait(10)) == []


def test_a_vip_that_left_for_no_known_reason_and_stays_away_has_them_ended() -> None:
    node = running(holder=True)
    node.hold(present=False)
    assert told(node.wait(RETURN)) == [EndConnections(node.vip)]


def test_those_that_could_not_be_told_are_poked_a_few_times_and_no_more() -> None:
    node = standby()
    node.hold(present=False)
    assert of(Poke, node.post(ConnectionsEnded(node.vip, 5, (FLOW,)))) == [Poke((FLOW,))]
    assert of(Poke, node.wait(sum(AGAIN) - 0.01)) == [Poke((FLOW,))] * 2
    assert of(Poke, node.wait(60)) == [Poke((FLOW,))]


def test_nobody_is_poked_about_a_vip_that_is_back() -> None:
    node = standby()
    node.hold(present=False)
    node.post(ConnectionsEnded(node.vip, 5, (FLOW,)))
    node.hold()
    assert of(Poke, node.wait(60)) == []
    assert of(Poke, node.post(ConnectionsEnded(node.vip, 5, (FLOW,)))) == [], (
        "and an answer that comes now is an old one"
    )


def test_what_was_left_while_no_daemon_was_looking_is_ended_at_the_first_look() -> None:
    node = running()
    node.post(AddressesDumped(frozenset(), "found when halbd started"))
    assert told(node.wait(RETURN)) == [EndConnections(node.vip)]
    assert of(Say, node.post(ConnectionsEnded(node.vip, 0, ()))) == [], "where there was nothing, nothing is said"


def test_a_stop_waits_for_the_last_word_but_not_for_ever() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    assert told(node.hold(present=False)) == [EndConnections(node.vip)]
    assert of(Signal, node.wait(PATIENCE - 0.01)) == []
    assert {signal.program for signal in of(Signal, node.wait(0.02))} == {Program.PROXY, Program.KEEPALIVED}


def test_a_stop_does_not_wait_for_the_later_pokes() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    node.hold(present=False)
    done = node.post(ConnectionsEnded(node.vip, 5, (FLOW,)))
    assert of(Poke, done)
    assert {signal.program for signal in of(Signal, done)} == {Program.PROXY, Program.KEEPALIVED}


def test_what_is_in_the_way_is_said_and_the_clients_are_poked_all_the_same() -> None:
    node = standby()
    node.hold(present=False)
    done = node.post(ConnectionsEnded(node.vip, 0, (FLOW,), "cannot destroy sockets: Operation not permitted"))
    (said,) = of(Say, done)
    assert (said.event, said.fields["why"]) == (
        "connections.not_ended",
        "cannot destroy sockets: Operation not permitted",
    )
    assert of(Poke, done) == [Poke((FLOW,))]


def test_an_address_that_somebody_put_on_another_interface_is_left_alone() -> None:
    node = running()
    node.post(AddressesDumped(frozenset({(node.vip, "lo")}), "found when halbd started"))
    assert told(node.wait(60)) == []


def test_a_better_node_that_is_heard_has_it_already() -> None:
    node = wired(holder=True)
    node.speaking |= {PEER: 255}
    node.turn()
    assert told(node.node.hold(present=False)) == [EndConnections(node.node.vip)]


def test_a_vip_that_keepalived_gave_up_is_with_a_peer_after_its_skew_time() -> None:
    node = wired(holder=True)
    node.speaking = {OURS: 0}
    node.turn()
    assert told(node.node.hold(present=False)) == []
    assert told(node.node.wait(0.1)) == [EndConnections(node.node.vip)]


def test_a_vip_that_keepalived_still_advertises_is_put_back_wherever_it_is_preferred() -> None:
    node = wired(holder=True, node=running(config(vips=[{"address": "10.10.50.4", "prefer": "lb2"}])))
    assert told(node.node.hold(present=False)) == []
    assert told(node.node.wait(0.42)) == []
