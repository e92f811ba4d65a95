"""Addresses put on and taken off an interface, and who did it, in a namespace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from halbd.model.config import Vip
from halbd.model.errors import FailedError
from halbd.system import netlink
from tests.render.netns import add_address, addresses, link, namespace, run
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root

VIP, VIP6 = ip_address("10.99.0.4"), ip_address("2001:db8::4")


@pytest.fixture
def place() -> Iterator[str]:
    with namespace(fresh_name()) as place:
        link((place, "eth0"), (place, "peer0"))
        yield place


def remove(place: str, address: Any = VIP, interface: str = "eth0") -> None:
    within(place, lambda: asyncio.run(netlink.remove(address, interface)))


def restore(place: str, vip: Vip) -> None:
    within(place, lambda: asyncio.run(netlink.restore(vip)))


@pytest.mark.parametrize("prefix_length", [24, 32])
def test_a_vip_is_removed_whatever_prefix_length_it_was_given(place: str, prefix_length: int) -> None:
    add_address(place, "eth0", "10.99.0.1/24")
    add_address(place, "eth0", f"{VIP}/{prefix_length}")
    remove(place)
    assert str(VIP) not in addresses(place)
    assert "10.99.0.1" in addresses(place)


def test_the_node_s_own_address_stays_where_the_vip_came_first(place: str) -> None:
    """Without promote_secondaries the kernel takes the later addresses of a network along with the first one."""
    run("ip", "netns", "exec", place, "sysctl", "-qw", "net.ipv4.conf.all.promote_secondaries=0")
    run("ip", "netns", "exec", place, "sysctl", "-qw", "net.ipv4.conf.eth0.promote_secondaries=0")
    add_address(place, "eth0", f"{VIP}/24")
    add_address(place, "eth0", "10.99.0.1/24")
    remove(place)
    assert addresses(place) >= {"10.99.0.1"}
    assert str(VIP) not in addresses(place)


def test_ipv6_is_removed(place: str) -> None:
    add_address(place, "eth0", f"{VIP6}/128")
    remove(place, VIP6)
    assert str(VIP6) not in addresses(place)


def test_nothing_to_remove_is_no_error(place: str) -> None:
    remove(place)
    remove(place, interface="eth7")


def test_a_vip_is_put_back_as_keepalived_does_it_and_may_be_there_already(place: str) -> None:
    for vip in (Vip(VIP, 32, "eth0", 4, "lb1"), Vip(VIP6, 128, "eth0", 4, "lb1")):
        restore(place, vip)
        restore(place, vip)
    found = [one for device in json.loads(run("ip", "-n", place, "-j", "addr")) for one in device["addr_info"]]
    four, six = (next(one for one in found if one["local"] == str(address)) for address in (VIP, VIP6))
    assert (four["prefixlen"], six["prefixlen"], six.get("nodad")) == (32, 128, True)
    assert not six.get("tentative")
    assert not six.get("deprecated")


def test_an_interface_that_is_not_there_is_refused_with_a_reason(place: str) -> None:
    with pytest.raises(FailedError, match=r"cannot put 10\.99\.0\.4/32 on eth7: "):
        restore(place, Vip(VIP, 32, "eth7", 4, "lb1"))
