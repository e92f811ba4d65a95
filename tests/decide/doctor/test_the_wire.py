"""What is heard: strangers, holders, a peer with another config."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from halbd.model.adverts import Claim
from halbd.model.facts import Answer, Unknown
from halbd.model.host import HostAddress
from tests.decide.doctor.sample import CONFIG, LB1, LB2, VIP, advert, claim, heard, only, said, well
from tests.sample import config

STRANGER = ip_address("10.10.50.77")
HERE = (*well().addresses, HostAddress("eth0", ip_interface("10.10.50.4/32")))
OWN = claim(advert(LB1, 4, 254), own=True)
THEIRS = claim(advert())
ASK = f"echo '{CONFIG.digest}  /etc/halbd/halbd.yaml' | ssh 10.10.50.3 sha256sum -c"


def test_a_stranger_with_our_number_is_wrong_and_a_free_one_is_named() -> None:
    used = tuple(claim(advert(STRANGER, number, 100, "10.10.50.99")) for number in (1, 2, 4))
    assert only("virtual-router-id", heard=heard(THEIRS, *used)) == (
        "wrong",
        "10.10.50.77, which is no node of this config, uses virtual_router_id 4 on eth0",
        "virtual_router_id: 3 in every node's file",
    )


def test_where_every_number_is_used_somebody_has_to_be_asked() -> None:
    used = tuple(claim(advert(STRANGER, number, 100, "10.10.50.99")) for number in range(1, 256))
    assert only("virtual-router-id", heard=heard(*used))[2] == "ask who uses it"


@pytest.mark.parametrize(
    "one",
    [
        claim(advert(STRANGER, 5)),
        claim(advert(STRANGER), interface="eth1"),
        claim(advert(STRANGER), own=True),
        claim(advert(LB2)),
    ],
    ids=["another number", "another interface", "this machine", "a peer"],
)
def test_nobody_else_is_a_stranger(one: Claim) -> None:
    assert only("virtual-router-id", heard=heard(one))[0] == "fine"


def test_two_holders_are_wrong() -> None:
    kind, what, _ = only("holder", heard=heard(OWN, THEIRS), addresses=HERE)
    assert (kind, what) == ("wrong", "10.10.50.2 and 10.10.50.3 both advertise 10.10.50.4")


@pytest.mark.parametrize(
    "other",
    [
        claim(advert(priority=0)),
        claim(advert(), at=99.4),
        claim(advert(LB2, 4, 253, "10.10.50.5")),
        claim(advert(), interface="eth1"),
    ],
    ids=["gives it up", "has fallen silent", "another VIP", "another interface"],
)
def test_who_no_longer_speaks_for_the_vip_here_is_no_second_holder(other: Claim) -> None:
    found = only("holder", heard=heard(OWN, other), addresses=HERE)
    assert found[:2] == ("fine", "10.10.50.4: 10.10.50.2 alone advertises it (listened for 1.0 s)")


def test_silence_of_just_the_patience_of_the_peers_is_none() -> None:
    assert only("holder", heard=heard(OWN, claim(advert(), at=99.5)), addresses=HERE)[0] == "wrong"


def test_a_vip_that_is_here_while_another_advertises_it_is_wrong() -> None:
    kind, what, cure = only("holder", heard=heard(THEIRS), addresses=HERE)
    assert (kind, what) == ("wrong", "10.10.50.4 is on this node, and 10.10.50.3 advertises it")
    assert cure.startswith("ip addr del 10.10.50.4/32 dev eth0")


def test_a_vip_that_answers_though_nobody_advertises_it_is_a_warning() -> None:
    kind, what, _ = only("holder", heard=heard())
    assert (kind, what) == ("warning", "10.10.50.4 answers, and nobody is heard to advertise it")
    assert only("holder", heard=heard(), answers={VIP: Answer.NEIGHBOUR})[0] == "warning"


@pytest.mark.parametrize("answers", [{}, {VIP: Answer.SILENT}, Unknown("not root")], ids=str)
def test_a_vip_that_nobody_has_is_fine_before_the_first_start(answers: object) -> None:
    found = said("holder", heard=heard(), answers=answers)
    assert [one.what for one in found] == ["10.10.50.4: nobody advertises it (listened for 1.0 s)"]


def test_a_vip_that_is_here_unspoken_is_told() -> None:
    found = only("holder", heard=heard(), addresses=HERE)
    assert found[:2] == ("fine", "10.10.50.4: is on this node (listened for 1.0 s)")


def test_a_peer_that_agrees_is_fine_and_the_rest_is_for_the_eye() -> None:
    kind, what, _ = only("peer-config")
    assert (kind, ASK in what) == ("fine", True)


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (
            advert(LB2, 4, 253, VIP, "10.10.50.5"),
            "lb2 advertises 10.10.50.4, 10.10.50.5, and this node has 10.10.50.4",
        ),
        (advert(advert_int=1.0), "lb2 sends an advert every 1 s, and this node's file makes it 0.04 s"),
        (advert(version=2, advert_int=1.0), "lb2 speaks VRRP version 2, and this node 3"),
    ],
)
def test_a_peer_that_differs_is_wrong(one: object, what: str) -> None:
    found = said("peer-config", heard=heard(replace(THEIRS, advert=one)))  # type: ignore[arg-type]  # of the list above
    cure = "the same halbd.yaml on each node, then halbctl reload"
    assert (found[0].severity.value, found[0].what, found[0].cure) == ("wrong", what, cure)


def test_the_vips_of_this_node_are_all_named() -> None:
    two = config(vips=[{"address": "10.10.50.4"}, {"address": "10.10.50.5"}])
    found = said("peer-config", two, heard=heard(THEIRS))
    assert found[0].what == "lb2 advertises 10.10.50.4, and this node has 10.10.50.4, 10.10.50.5"


def test_an_interval_is_compared_as_the_wire_carries_it() -> None:
    """Version 3 has hundredths of a second."""
    assert only("peer-config", heard=heard(claim(advert(advert_int=0.044))))[0] == "fine"


@pytest.mark.parametrize(
    "claims",
    [(), (OWN,), (claim(advert(STRANGER)),), (claim(advert(LB2, 5)),), (claim(advert(), interface="eth1"),)],
    ids=["nobody", "only this node", "a stranger", "another number", "another interface"],
)
def test_where_no_peer_is_heard_the_command_that_asks_it_is_told(claims: tuple[Claim, ...]) -> None:
    assert only("peer-config", heard=heard(*claims))[::2] == ("unknown", ASK)


def test_each_other_node_is_asked_and_none_where_there_is_none() -> None:
    nodes = [{"name": f"lb{number}", "address": f"10.10.50.{last}"} for number, last in ((1, 2), (2, 3), (3, 5))]
    many = only("peer-config", config(nodes=nodes), heard=heard())[2]
    assert many.startswith("for node in 10.10.50.3 10.10.50.5; do echo '")
    assert many.endswith("  /etc/halbd/halbd.yaml' | ssh $node sha256sum -c; done")
    alone = config(nodes=nodes[:1], vrrp={"unicast": False})
    assert only("peer-config", alone, heard=heard()) == ("fine", "the config has one node", "")


def test_a_multicast_peer_of_the_other_family_is_named_by_its_address() -> None:
    six = config(
        vips=[{"address": "2001:db8::4", "interface": "eth0", "virtual_router_id": 4}], vrrp={"unicast": False}
    )
    one = claim(advert("fe80::3", 4, 253, "2001:db8::5"))
    found = said("peer-config", six, heard=heard(one, THEIRS))
    assert found[0].what == "fe80::3 advertises 2001:db8::5, and this node has 2001:db8::4"
    assert len(found) == 2
