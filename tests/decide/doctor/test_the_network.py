"""Addresses, interfaces, peers, managers and kernel settings."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from halbd.model.facts import Answer, Keeper
from halbd.model.host import HostAddress
from tests.decide.doctor.sample import LB2, VIP, advert, claim, heard, only, severities, well
from tests.sample import config

SECOND = HostAddress("eth1", ip_interface("192.168.0.2/24"))
SAME = HostAddress("eth1", ip_interface("10.10.50.9/24"))
DUAL = config(
    vips=[{"address": "10.10.50.4"}, {"address": "2001:db8::4", "interface": "eth0"}], vrrp={"unicast": False}
)
WIDE = config(vips=[{"address": "10.10.50.4/24"}])
ALONE = config(nodes=[{"name": "lb1", "address": "10.10.50.2"}], vrrp={"unicast": False})
OURS = well().addresses


def test_the_nodes_own_address_is_here() -> None:
    assert only("own-address") == ("fine", "10.10.50.2 of lb1 is on eth0", "")
    assert only("own-address", addresses=())[:2] == ("wrong", "10.10.50.2 of lb1 is on no interface")


def test_an_interface_is_missing_down_or_up() -> None:
    assert only("interface")[0] == "fine"
    kind, what, cure = only("interface", up={"eth0": False})
    assert (kind, what) == ("wrong", "eth0 is down or has no carrier")
    assert cure.startswith("ip link set eth0 up")
    assert only("interface", up={})[:2] == ("wrong", "there is no interface eth0")


@pytest.mark.parametrize(
    ("answers", "kind", "part"),
    [
        ({LB2: Answer.ECHO}, "fine", "answers ping"),
        ({LB2: Answer.NEIGHBOUR}, "fine", "answers ARP or neighbour discovery, not ping"),
        ({LB2: Answer.SILENT}, "wrong", "lb2 (10.10.50.3) does not answer"),
        ({}, "unknown", "its link address is known from before"),
    ],
)
def test_a_peer_answers_or_not(answers: dict[object, Answer], kind: str, part: str) -> None:
    found = only("peers", answers=answers, heard=heard())
    assert (found[0], part in found[1]) == (kind, True)


def test_a_peer_that_is_heard_need_not_answer() -> None:
    assert only("peers", answers={LB2: Answer.SILENT}) == ("fine", "lb2 (10.10.50.3) sends VRRP adverts", "")
    ours = heard(claim(advert(), own=True))
    assert only("peers", answers={LB2: Answer.SILENT}, heard=ours)[0] == "wrong"


def test_a_node_without_a_peer_is_told_so() -> None:
    assert only("peers", ALONE, heard=heard())[0] == "warning"


def test_networkd_takes_foreign_addresses_off_unless_told_to_keep_them() -> None:
    file = "/run/systemd/network/10-netplan-eth0.network"
    kind, what, cure = only("address-managers", keepers=(Keeper("systemd-networkd", "eth0", keeps=False, file=file),))
    assert (kind, what) == (
        "warning",
        "systemd-networkd (by netplan) removes the VIP from eth0 when it is told to configure it anew",
    )
    folder = "/etc/systemd/network/10-netplan-eth0.network.d"
    text = r"[Network]\nKeepConfiguration=static\n"
    assert cure == f"mkdir -p {folder} && printf '{text}' > {folder}/halbd.conf && networkctl reload"
    by_hand = Keeper("systemd-networkd", "eth0", keeps=False, file="/etc/systemd/network/eth0.network")
    assert only("address-managers", keepers=(by_hand,))[1].startswith("systemd-networkd removes")
    assert only("address-managers", keepers=(Keeper("systemd-networkd", "eth0", keeps=True),))[0] == "fine"


def test_network_manager_takes_them_off_when_a_connection_is_activated() -> None:
    kind, what, cure = only("address-managers", keepers=(Keeper("NetworkManager", "eth0", keeps=False),))
    assert (kind, "activating the connection again removes the VIP" in what) == ("warning", True)
    assert cure.startswith("halbctl drain before")


def setting(name: str, value: int, place: str = "eth0") -> dict[str, int]:
    return {f"net.ipv4.conf.{place}.{name}": value}


@pytest.mark.parametrize("place", ["all", "eth0"])
def test_a_vip_for_which_nobody_answers_is_wrong(place: str) -> None:
    kind, what, cure = only("arp", settings=setting("arp_ignore", 8, place))
    assert (kind, "nobody gets an answer to ARP for 10.10.50.4/32" in what) == ("wrong", True)
    assert cure == f"sysctl -w net.ipv4.conf.{place}.arp_ignore=1 | tee -a /etc/sysctl.d/zz-halbd.conf"


def test_arp_ignore_2_needs_an_address_whose_subnet_holds_the_vip() -> None:
    assert only("arp", settings=setting("arp_ignore", 2))[0] == "fine"
    only_32 = (HostAddress("eth0", ip_interface("10.10.50.2/32")), HostAddress("eth0", ip_interface("10.10.50.4/32")))
    assert only("arp", settings=setting("arp_ignore", 2), addresses=only_32)[0] == "wrong"
    assert only("arp", settings=setting("arp_ignore", 1), addresses=only_32)[0] == "fine"
    elsewhere = (HostAddress("eth0", ip_interface("10.9.0.2/24")), SAME)
    settings = setting("arp_ignore", 2) | setting("arp_ignore", 1, "eth1")
    assert only("arp", settings=settings, addresses=elsewhere)[0] == "wrong"


def test_a_second_interface_in_the_vips_subnet_answers_for_it() -> None:
    keys = "net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"
    cure = f"sysctl -w {keys} | tee -a /etc/sysctl.d/zz-halbd.conf"
    what = "is in the subnet of 10.10.50.4 too, and answers ARP for it"
    assert only("arp", addresses=(*OURS, SAME)) == ("warning", f"eth1 {what}", cure)
    third = HostAddress("eth2", ip_interface("10.10.50.8/24"))
    assert only("arp", addresses=(*OURS, third, SAME))[1] == f"eth1, eth2 {what}"
    assert only("arp", addresses=(*OURS, SAME), settings=setting("arp_ignore", 1, "eth1"))[0] == "fine"
    assert only("arp", addresses=(*OURS, SAME), settings=setting("arp_ignore", 1, "eth0"))[0] == "warning"
    assert only("arp", addresses=(*OURS, SECOND))[0] == "fine"


def test_a_strict_reverse_path_filter_is_a_warning_where_there_are_two_ways() -> None:
    strict = setting("rp_filter", 1)
    assert only("reverse-path", settings=strict)[0] == "fine"
    assert only("reverse-path", settings=strict, addresses=(*OURS, SECOND))[::2] == (
        "warning", "sysctl -w net.ipv4.conf.eth0.rp_filter=2 | tee -a /etc/sysctl.d/zz-halbd.conf",
    )  # fmt: skip
    vlan = config(vips=[{"address": "10.10.50.4", "interface": "eth0.100"}])
    assert only("reverse-path", vlan, settings=setting("rp_filter", 1, "all"), addresses=(*OURS, SECOND))[2].startswith(
        "sysctl -w net.ipv4.conf.eth0/100.rp_filter=2 |"  # as sysctl.d(5) wants it
    )
    loose = strict | setting("rp_filter", 2, "all")
    assert only("reverse-path", settings=loose, addresses=(*OURS, SECOND))[0] == "fine"
    six = HostAddress("eth1", ip_interface("2001:db8::2/64"))
    assert only("reverse-path", settings=strict, addresses=(*OURS, six))[0] == "fine"


def test_a_vip_with_a_subnet_needs_promote_secondaries() -> None:
    assert only("secondaries", settings={})[0] == "fine"
    assert only("secondaries", WIDE, settings={})[::2] == (
        "warning",
        (
            "write 10.10.50.4 without a prefix length, or sysctl -w net.ipv4.conf.eth0.promote_secondaries=1 "
            "| tee -a /etc/sysctl.d/zz-halbd.conf"
        ),
    )
    assert only("secondaries", WIDE, settings=setting("promote_secondaries", 1, "all"))[0] == "fine"


def test_nonlocal_bind_hides_a_missing_address() -> None:
    assert only("nonlocal-bind", settings={"net.ipv4.ip_nonlocal_bind": 1})[0] == "warning"
    assert only("nonlocal-bind", settings={})[0] == "fine"


def test_ipv6_has_to_be_on_for_an_ipv6_vip() -> None:
    assert only("ipv6") == ("fine", "no VIP is IPv6", "")
    key = "net.ipv6.conf.eth0.disable_ipv6"
    assert only("ipv6", DUAL, settings={key: 0})[0] == "fine"
    cure = f"sysctl -w {key}=0 | tee -a /etc/sysctl.d/zz-halbd.conf"
    assert only("ipv6", DUAL, settings={key: 1})[::2] == ("wrong", cure)
    assert severities("ipv6", DUAL, settings={})[0] == "wrong"


def test_the_ipv4_settings_say_nothing_of_ipv6_vips() -> None:
    six = config(
        vips=[{"address": "2001:db8::4", "interface": "eth0", "virtual_router_id": 4}], vrrp={"unicast": False}
    )
    settings = setting("arp_ignore", 8) | setting("rp_filter", 1)
    assert only("arp", six, settings=settings, addresses=(*OURS, SECOND))[0] == "fine"
    assert only("reverse-path", six, settings=settings, addresses=(*OURS, SECOND))[0] == "fine"


def test_vip_is_the_samples() -> None:
    assert str(VIP) == "10.10.50.4"
