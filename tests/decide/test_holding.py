"""Transitions, as netlink tells them: each once, with role and cause."""

from __future__ import annotations

from ipaddress import ip_address

from halbd.decide.holding import role
from halbd.model.child import Program
from halbd.model.effects import Record
from halbd.model.events import AddressChanged, AddressesDumped, ConfigApplied, Exited, StopRequested
from halbd.model.transition import Role
from tests.decide.driver import asked, of, running
from tests.sample import config


def test_a_gained_vip_is_recorded_and_asked_through() -> None:
    node = running()
    done = node.hold()
    (record,) = of(Record, done)
    assert (record.transition.gained, record.transition.role_before, record.transition.role_after) == (
        True,
        Role.BACKUP,
        Role.MASTER,
    )
    assert "vip/10.10.50.4/kube-apiserver" in asked(done)


def test_news_that_is_repeated_or_not_ours_changes_nothing() -> None:
    node = running(holder=True)
    assert of(Record, node.hold()) == []
    foreign = AddressChanged(ip_address("10.10.50.99"), "eth0", present=True)
    elsewhere = AddressChanged(node.vip, "eth7", present=False)
    assert of(Record, node.post(foreign, elsewhere)) == []


def test_a_lost_vip_names_the_verdict_as_its_cause_and_how_long_it_was_here() -> None:
    node = running(holder=True)
    node.live(5)
    node.died()
    (record,) = of(Record, node.hold(present=False))
    assert record.transition.cause == "proxy_dead"
    assert record.transition.role_after is Role.FAULT
    assert record.transition.lasted is not None
    assert record.transition.lasted > 5
    assert not any(name.startswith("vip/") for name in node.state.series)


def test_a_vip_lost_by_a_healthy_node_says_what_it_can_only_infer() -> None:
    node = running(holder=True)
    (record,) = of(Record, node.hold(present=False))
    assert "better node" in record.transition.cause


def test_a_vip_lost_for_want_of_servers_says_so() -> None:
    node = running(holder=True)
    node.live(30, up=0)
    (record,) = of(Record, node.hold(present=False))
    assert record.transition.cause.startswith("no_servers")


def test_a_dump_makes_up_for_what_was_missed_and_only_for_that() -> None:
    node = running()
    here = frozenset({(node.vip, "eth0")})
    (record,) = of(Record, node.post(AddressesDumped(here, "found after a netlink overrun")))
    assert (record.transition.gained, record.transition.cause) == (True, "found after a netlink overrun")
    assert of(Record, node.post(AddressesDumped(here, "found after a netlink overrun"))) == []
    (record,) = of(Record, node.post(AddressesDumped(frozenset(), "found after a netlink overrun")))
    assert not record.transition.gained


def test_a_dump_tells_of_other_interfaces_too() -> None:
    node = running(holder=True)
    both = frozenset({(node.vip, "eth0"), (node.vip, "lo")})
    (record,) = of(Record, node.post(AddressesDumped(both, "found after a netlink overrun")))
    assert (record.transition.interface, record.transition.gained) == ("lo", True)
    assert of(Record, node.post(AddressesDumped(both, "found after a netlink overrun"))) == []
    (record,) = of(Record, node.post(AddressesDumped(both - {(node.vip, "lo")}, "found after a netlink overrun")))
    assert (record.transition.interface, record.transition.gained) == ("lo", False)
    assert node.state.held


def test_the_connections_of_a_vip_astray_end_with_it() -> None:
    node = running()
    node.post(AddressChanged(node.vip, "lo", present=True))
    assert not node.state.parting
    node.post(AddressChanged(node.vip, "lo", present=False))
    assert node.vip in node.state.parting


def test_a_vip_astray_on_the_holder_takes_no_connections_along() -> None:
    node = running(holder=True)
    node.post(AddressChanged(node.vip, "lo", present=True), AddressChanged(node.vip, "lo", present=False))
    assert not node.state.parting


def test_a_config_with_another_interface_makes_the_old_one_a_stray_and_the_new_one_the_vip_s_own() -> None:
    node = running(holder=True)
    node.post(AddressChanged(node.vip, "eth1", present=True, by_keepalived=True))
    assert node.state.transitions[-1].cause == "elected: no better node is heard"
    other = config(vips=[{"address": str(node.vip), "interface": "eth1"}])
    assert of(Record, node.post(ConfigApplied(other))) == []
    assert [one.interface for one in node.state.held.values()] == ["eth1"]
    assert list(node.state.strays) == [(node.vip, "eth0")]


def test_the_last_ten_transitions_are_kept() -> None:
    node = running()
    for _ in range(8):
        node.hold()
        node.hold(present=False)
    assert len(node.state.transitions) == 10


def test_two_vips_of_which_one_is_here_make_a_mixed_role() -> None:
    vips = [{"address": "10.10.50.4"}, {"address": "10.10.50.5", "prefer": "lb2"}]
    node = running(config(vips=vips))
    node.hold()
    assert role(node.state, node.now) is Role.MIXED


def test_a_vip_lost_while_keepalived_does_not_run_says_so() -> None:
    node = running(holder=True)
    node.post(Exited(Program.KEEPALIVED, 200, "killed by SIGKILL", 0.0))
    (record,) = of(Record, node.hold(present=False))
    assert record.transition.cause == "keepalived does not run"


def test_a_vip_that_leaves_during_an_offer_says_what_it_was_offered_for() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    (record,) = of(Record, node.hold(present=False))
    assert record.transition.cause == "stopping: offered to the peers"
