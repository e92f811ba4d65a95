from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from halbd.lab.certs import Authority
from halbd.lab.errors import LabError
from halbd.lab.plan import Plan, Port, Target, plan
from halbd.model.config import Manage
from halbd.model.host import SecretFile
from halbd.model.problem import Problem
from tests.lab.files import PLAIN, VERSION_6

FOLDER = Path("/etc/halbd")
CA = Authority().pem


def no_secret(path: Path) -> SecretFile:
    raise FileNotFoundError(path)


def planned(text: bytes, *settings: tuple[str, str]) -> Plan:
    result = plan(text, FOLDER, no_secret, CA, settings)
    assert isinstance(result, Plan), result
    return result


def problems(text: bytes, *settings: tuple[str, str]) -> tuple[Problem, ...]:
    result = plan(text, FOLDER, no_secret, CA, settings)
    assert isinstance(result, tuple)
    return result


def addresses(plan: Plan) -> dict[str, list[str]]:
    return {m.name: [str(a) for link in m.links for a in link.addresses] for m in plan.machines}


def test_every_machine_has_its_real_address_on_the_interface_of_the_vip() -> None:
    made = planned(PLAIN)
    assert addresses(made) == {
        "lb1": ["10.10.50.2/24"],
        "lb2": ["10.10.50.3/24"],
        "server1": ["10.10.50.11/24"],
        "server2": ["10.10.50.12/24"],
        "client": ["10.10.50.254/24"],
    }
    assert [link.interface for link in made.nodes[0].links] == ["ens192"]
    assert made.targets == (Target("10.10.50.4", 6443, tls=True),)
    assert made.switch == "switch"


def test_only_what_belongs_to_real_machines_is_changed_in_the_copy() -> None:
    made = planned(PLAIN)
    assert made.config.keepalived.manage is Manage.CHILD
    assert made.config.frontends[0].check.ca == CA
    assert made.config.frontends[0].max_connections == 1000
    assert b"ca_file: ca.crt" in made.text


def test_a_setting_overrides_the_file() -> None:
    assert planned(PLAIN, ("vrrp.advert_int", "0.1")).config.vrrp.advert_int == 0.1
    assert planned(PLAIN, ("frontends.0.check.interval", "1.5")).config.frontends[0].check.interval == 1.5


def test_a_setting_is_judged_like_the_file() -> None:
    assert any("advert_int" in str(problem) for problem in problems(PLAIN, ("vrrp.advert_int", "soon")))


def test_a_setting_without_a_place_is_refused() -> None:
    with pytest.raises(LabError, match=r"cannot set frontends\.7\.port"):
        planned(PLAIN, ("frontends.7.port", "1"))


def test_problems_carry_the_lines_of_the_file() -> None:
    found = problems(PLAIN.replace(b"port: 6443", b"port: 70000", 1))
    assert [problem.line for problem in found] == [9]


@pytest.mark.parametrize("text", [b"", b"[1, 2", b"nodes: 7", b"\xff\xfe", b"nodes: [{}]\nvips: [{}]"])
def test_a_file_that_cannot_even_be_sketched_is_left_to_the_parser(text: bytes) -> None:
    assert problems(text)


def test_servers_outside_the_network_are_reached_without_a_router() -> None:
    made = planned(PLAIN.replace(b"10.10.50.12:6443", b"192.168.7.12:6443"))
    assert addresses(made)["server2"] == ["192.168.7.12/32"]
    assert made.nodes[0].links[0].routes == (IPv4Address("192.168.7.12"),)
    assert IPv4Address("10.10.50.4") in made.hosts[1].links[0].routes


def test_a_network_wider_than_24_still_holds_the_vip() -> None:
    made = planned(PLAIN.replace(b"10.10.50.4", b"10.10.51.4"))
    assert addresses(made)["lb1"] == ["10.10.50.2/23"]


def test_a_server_name_gets_an_address() -> None:
    made = planned(PLAIN.replace(b"10.10.50.12:6443", b"api2.example.net:6443"))
    assert made.names == (("api2.example.net", ip_address("10.10.50.254")),)
    assert addresses(made)["client"] == ["10.10.50.253/24"]


def test_a_server_that_is_also_a_node_runs_there() -> None:
    made = planned(PLAIN.replace(b"10.10.50.12:6443", b"10.10.50.3:7443"))
    assert [(server.machine, server.ports) for server in made.servers] == [
        ("server1", (Port(6443, tls=True),)),
        ("lb2", (Port(7443, tls=True),)),
    ]
    assert made.server_on_its_own() == made.servers[0]


def test_servers_on_loopback_are_refused() -> None:
    with pytest.raises(LabError, match="loopback"):
        planned(PLAIN.replace(b"10.10.50.12:6443", b"127.0.0.1:7443"))


def test_a_second_interface_gets_a_spare_address_of_its_own_network() -> None:
    made = planned(
        PLAIN.replace(b"interface: ens192}", b"interface: ens192}\n  - {address: 172.16.0.4, interface: ens224}")
    )
    assert [(link.interface, str(link.addresses[0])) for link in made.nodes[0].links] == [
        ("ens192", "10.10.50.2/24"),
        ("ens224", "172.16.0.254/24"),
    ]
    assert [target.vip for target in made.targets] == ["10.10.50.4", "172.16.0.4"]


def test_version_6_addresses_and_names_are_planned() -> None:
    made = planned(VERSION_6)
    assert addresses(made)["lb2"] == ["fd00:a::3/64"]
    assert made.nodes[0].links[0].interface == "eth0"
    assert ip_address("fd00:b::12") in made.nodes[0].links[0].routes
    assert made.names[0][0] == "api1.example.net"


def test_a_node_may_have_the_name_of_one_of_the_labs_own_machines() -> None:
    made = planned(PLAIN.replace(b"name: lb1", b"name: client").replace(b"name: lb2", b"name: switch"))
    assert [made.client.name, made.switch] == ["client_", "switch_"]


def test_a_check_that_speaks_plain_http_gets_plain_servers() -> None:
    made = planned(PLAIN.replace(b"{ca_file: /etc/halbd/ca.crt}", b"{scheme: http, path: /ok, expect: [204]}"))
    assert made.servers[0].ports == (Port(6443, tls=False),)
    assert not made.targets[0].tls
    assert dict(made.answers)["/ok"] == 204


def test_a_secret_that_is_not_on_this_machine_is_made_up() -> None:
    old = b"\nvrrp: {version: 2, advert_int: 1, auth_pass_file: secret}\n"
    made = planned(PLAIN + old)
    assert made.auth_pass == b"halbdlab"
    assert b"auth_pass_file: auth_pass" in made.text
