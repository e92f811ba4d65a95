from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from halbd.decide.groups import groups, instances, priorities, weight
from halbd.model.config import Config, Node, Vrrp
from tests.render.cases import CONFIG, LB1, LB2, LB3, SECOND_VIP, VIP, VIP6


@st.composite
def _priorities(draw: st.DrawFn) -> list[int]:
    """Distinct priorities with room for two steps below the lowest; the parser refuses the others."""
    above_lowest = draw(st.lists(st.integers(1, 80), min_size=1, max_size=5, unique=True))
    step = max(above_lowest) + 1
    lowest = draw(st.integers(2 * step + 1, 254 - max(above_lowest)))
    return draw(st.permutations([lowest, *(lowest + above for above in above_lowest)]))


def _nodes(numbers: list[int]) -> Config:
    nodes = tuple(Node(f"lb{i}", ip_address(f"10.10.50.{i + 1}"), number) for i, number in enumerate(numbers))
    return replace(CONFIG, nodes=nodes, node=nodes[0])


@given(_priorities(), st.integers(0, 5))
def test_a_node_that_sees_a_server_outranks_every_one_that_does_not(numbers: list[int], preferred: int) -> None:
    config = _nodes(numbers)
    rank = priorities(config, f"lb{preferred % len(numbers)}")
    for seeing, blind in permutations(rank.values(), 2):
        assert seeing > blind - weight(config)
        assert seeing > blind - 2 * weight(config)


@given(_priorities(), st.integers(0, 5))
def test_a_blind_holder_outranks_every_blind_standby(numbers: list[int], preferred: int) -> None:
    config = _nodes(numbers)
    rank = priorities(config, f"lb{preferred % len(numbers)}")
    for holder, standby in permutations(rank.values(), 2):
        assert holder - weight(config) > standby - 2 * weight(config) >= 1


@given(_priorities(), st.integers(0, 5))
def test_the_preferred_node_has_the_highest_priority_and_the_others_keep_their_order(
    numbers: list[int], preferred: int
) -> None:
    config = _nodes(numbers)
    name = f"lb{preferred % len(numbers)}"
    rank = priorities(config, name)
    assert sorted(rank.values()) == sorted(numbers)
    assert rank[name] == max(numbers)
    others = [node for node in config.nodes if node.name != name]
    assert all((a.priority > b.priority) == (rank[a.name] > rank[b.name]) for a, b in combinations(others, 2))


def test_every_node_deals_out_the_same_priorities() -> None:
    config = replace(CONFIG, nodes=(LB1, LB2, LB3))
    for group in ("lb1", "lb2", "lb3"):
        views = [priorities(replace(config, node=node), group) for node in config.nodes]
        assert all(view == views[0] for view in views)


def test_two_groups_prefer_one_node_each() -> None:
    config = replace(CONFIG, vips=(VIP, SECOND_VIP))
    assert groups(config) == ("lb1", "lb2")
    assert [instance.priority for instance in instances(config)] == [254, 253]
    assert [instance.priority for instance in instances(replace(config, node=LB2))] == [253, 254]


def test_one_instance_per_group_family_and_interface() -> None:
    on_other_interface = replace(VIP, address=ip_address("10.10.60.4"), interface="ens224", virtual_router_id=9)
    beside = replace(VIP, address=ip_address("10.10.50.9"), virtual_router_id=77)
    config = replace(CONFIG, vips=(VIP, VIP6, on_other_interface, beside, SECOND_VIP), vrrp=Vrrp(unicast=False))
    found = [(i.name, i.group, i.family, i.interface, i.virtual_router_id, len(i.vips)) for i in instances(config)]
    assert found == [
        ("lb1_ens192_ipv4", "lb1", 4, "ens192", 4, 2),
        ("lb1_ens192_ipv6", "lb1", 6, "ens192", 4, 1),
        ("lb1_ens224_ipv4", "lb1", 4, "ens224", 9, 1),
        ("lb2_ens192_ipv4", "lb2", 4, "ens192", 6, 1),
    ]


def test_the_peers_are_the_other_nodes() -> None:
    (instance,) = instances(replace(CONFIG, nodes=(LB1, LB2, LB3), node=LB2))
    assert instance.peers == (LB1.address, LB3.address)


def test_multicast_has_no_peers() -> None:
    assert [instance.peers for instance in instances(replace(CONFIG, vrrp=Vrrp(unicast=False)))] == [()]


def test_the_step_is_one_more_than_the_span_of_the_priorities() -> None:
    assert weight(CONFIG) == 2
    assert weight(replace(CONFIG, nodes=(LB1,))) == 1
