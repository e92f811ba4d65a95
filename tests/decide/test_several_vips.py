"""What happens to several VIPs at once happens to each of them."""

from __future__ import annotations

import pytest

from halbd.decide.holding import DROPPED
from halbd.decide.parting import TAKEN, advance, begin, next_due
from halbd.decide.verdict import active_targets
from halbd.model.config import Address
from halbd.model.effects import EndConnections, Record
from halbd.model.events import AddressesDumped, ConfigApplied
from halbd.model.evidence import Held
from halbd.model.maintenance import Maintenance
from halbd.model.replacing import replace
from halbd.model.state import Parting
from halbd.model.transition import Role
from tests.decide.driver import of, running
from tests.sample import config

NODE = running(config(vips=[{"address": "10.10.50.4"}, {"address": "10.10.50.5"}]))
FIRST, SECOND = (vip.address for vip in NODE.state.config.vips)
NOW = NODE.now


def ended(**due: float) -> list[Address]:
    """Whose connections are ended now."""
    parting = {FIRST: Parting(due["first"]), SECOND: Parting(due["second"])}
    _, effects = advance(replace(NODE.state, parting=parting), NOW)
    return [one.address for one in of(EndConnections, list(effects))]


def test_the_connections_of_each_end_in_their_own_time() -> None:
    assert ended(first=NOW.mono, second=NOW.mono) == [FIRST, SECOND]
    assert ended(first=NOW.mono, second=NOW.mono + 1) == [FIRST]
    assert ended(first=NOW.mono + 1, second=NOW.mono) == [SECOND]


def test_a_look_at_all_addresses_records_each() -> None:
    everywhere = frozenset((address, "eth0") for address in (FIRST, SECOND))
    done = NODE.post(AddressesDumped(everywhere, "found when halbd started"))
    assert [one.transition.vip for one in of(Record, done)] == [FIRST, SECOND]
    assert list(NODE.state.held) == [FIRST, SECOND]


def test_only_a_vip_that_is_here_is_asked_through() -> None:
    names = {f"vip/{address}/kube-apiserver" for address in (FIRST, SECOND)}
    for here in ({FIRST}, {SECOND}, {FIRST, SECOND}, set[Address]()):
        held = {address: Held("eth0", NOW) for address in here}
        asked = {target.name for target in active_targets(replace(NODE.state, held=held))}
        assert "local/kube-apiserver" in asked
        assert asked & names == {f"vip/{address}/kube-apiserver" for address in here}


@pytest.mark.parametrize("managed", [True, False])
def test_one_that_is_taken_out_of_the_file_leaves_with_its_connections(*, managed: bool) -> None:
    """By keepalived, which was told; one that is nobody's business here may keep it."""
    node = running(NODE.state.config)
    node.state = replace(node.state, keepalived_is_child=managed)
    node.post(AddressesDumped(frozenset((address, "eth0") for address in (FIRST, SECOND)), "found"))
    node.live(3)
    done = node.post(ConfigApplied(config(vips=[{"address": "10.10.50.4"}])))
    rows = [one.transition for one in of(Record, done)]
    assert [(one.vip, one.gained, one.role_after, one.lasted, one.cause) for one in rows] == (
        [(SECOND, False, Role.MASTER, 3.0, DROPPED)] if managed else []
    )
    assert list(node.state.held) == list(node.state.role_since) == [FIRST]
    assert [one.address for one in of(EndConnections, node.wait(5))] == ([SECOND] if managed else [])


def test_each_that_is_taken_out_of_the_file_has_its_line() -> None:
    node = running(NODE.state.config)
    node.post(AddressesDumped(frozenset((address, "eth0") for address in (FIRST, SECOND)), "found"))
    done = node.post(ConfigApplied(config(vips=[{"address": "10.10.50.6"}])))
    assert [one.transition.vip for one in of(Record, done)] == [FIRST, SECOND]


def test_after_a_fault_the_slowest_peer_has_its_skew_time() -> None:
    """RFC 9568, 6.1: (256 - priority) / 256 of advert_int; lb1 is preferred and gets 224, so lb3 has 192."""
    nodes = [
        {"name": name, "address": f"10.10.50.{at}", "priority": priority}
        for at, name, priority in ((2, "lb1", 192), (3, "lb2", 224), (6, "lb3", 208))
    ]
    node = running(config(nodes=nodes, vrrp={"advert_int": 1}), holder=True)
    drained = replace(node.state, held={}, maintenance=Maintenance(node.now.wall, None, 0, withdrawn=0))
    assert next_due(begin(drained, node.vip, node.now)) == node.mono + 0.25 + TAKEN
