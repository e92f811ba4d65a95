from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.decide.listen import has_low_ports, local_address, overlap, sockets
from tests.render.cases import CASES, CONFIG, FRONTEND, SECOND_VIP, VIP, VIP6, with_frontend


def test_a_frontend_on_every_address_is_asked_on_loopback() -> None:
    assert str(local_address(CONFIG, FRONTEND)) == "127.0.0.1"


def test_on_an_ipv6_node_it_is_asked_on_the_loopback_of_ipv6() -> None:
    assert str(local_address(CASES["ipv6-nodes"], FRONTEND)) == "::1"


def test_a_frontend_on_a_vip_is_asked_on_loopback_in_its_family() -> None:
    assert str(local_address(CONFIG, replace(FRONTEND, bind=VIP.address))) == "127.0.0.1"
    on_vip6 = replace(FRONTEND, bind=VIP6.address)
    assert str(local_address(with_frontend(on_vip6, CASES["dual-stack-multicast"]), on_vip6)) == "::1"


def test_frontends_that_share_a_port_are_asked_apart() -> None:
    first = replace(FRONTEND, bind=VIP.address)
    second = replace(FRONTEND, name="other", bind=SECOND_VIP.address)
    config = replace(CONFIG, vips=(VIP, SECOND_VIP), frontends=(first, second))
    assert [str(local_address(config, frontend)) for frontend in config.frontends] == ["127.0.0.1", "127.0.0.2"]


def test_an_address_of_the_nodes_own_is_asked_directly() -> None:
    own = replace(FRONTEND, bind=ip_address("10.10.50.2"))
    assert str(local_address(with_frontend(own), own)) == "10.10.50.2"


@pytest.mark.parametrize(
    ("ours", "theirs", "in_the_way"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "::", True),
        ("0.0.0.0", "::1", False),
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("10.10.50.4", "10.10.50.4", True),
        ("10.10.50.4", "10.10.50.5", False),
        ("10.10.50.4", "0.0.0.0", True),
        ("fd00::4", "0.0.0.0", False),
    ],
)
def test_which_sockets_are_in_each_others_way(ours: str, theirs: str, in_the_way: bool) -> None:
    assert overlap(ip_address(ours), ip_address(theirs)) is in_the_way


def test_the_sockets_of_a_frontend_on_a_vip_are_the_vip_and_loopback() -> None:
    on_vip, own = (
        replace(FRONTEND, bind=VIP.address),
        replace(FRONTEND, name="own", bind=CONFIG.node.address, port=7443),
    )
    config = replace(CONFIG, frontends=(on_vip, own))
    assert [f"{address}:{port}" for address, port in sockets(config)] == [
        "10.10.50.4:6443",
        "127.0.0.1:6443",
        "10.10.50.2:7443",
    ]


def test_a_frontend_on_every_address_has_one_socket_of_the_widest_family() -> None:
    assert [str(address) for address, _ in sockets(CONFIG)] == ["0.0.0.0"]
    assert [str(address) for address, _ in sockets(CASES["dual-stack-multicast"])] == ["::"]


def test_port_1024_is_the_first_that_needs_no_capability() -> None:
    assert has_low_ports(with_frontend(replace(FRONTEND, port=1023)))
    assert not has_low_ports(with_frontend(replace(FRONTEND, port=1024)))
