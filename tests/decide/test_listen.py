from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from halbd.decide.listen import local_address
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
