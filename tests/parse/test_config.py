"""The Config that a sound file becomes."""

from __future__ import annotations

import hashlib
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from halbd.model.config import Config, Health, Keepalived, Log, Node, Proxy, Server, Timeouts, Vip, Vrrp
from halbd.model.host import Host, HostAddress
from halbd.parse.parse import parse
from halbd.parse.rules.every import RULES
from tests.sample import CA_PEM, HOST, config, read, sample_yaml

EXAMPLE = Path(__file__).parents[2] / "config" / "halbd.yaml"


def test_what_is_not_written_has_the_default_of_the_contract() -> None:
    made = config()
    assert (made.vrrp, made.proxy, made.health, made.keepalived, made.log) == (
        Vrrp(),
        Proxy(),
        Health(),
        Keepalived(),
        Log(),
    )
    frontend = made.frontends[0]
    assert (frontend.bind, frontend.mode, frontend.balance, frontend.max_connections) == (
        None,
        "tcp",
        "roundrobin",
        10000,
    )
    assert frontend.timeouts == Timeouts()
    check = frontend.check
    assert (check.scheme, check.path, check.expect, check.server_name) == ("https", "/readyz", (200,), "kubernetes")
    assert (check.interval, check.timeout, check.rise, check.fall, check.ca) == (2, 1, 2, 2, CA_PEM)


def test_priorities_fall_in_list_order_and_the_node_finds_itself() -> None:
    made = config()
    lb1, lb2 = Node("lb1", ip_address("10.10.50.2"), 254), Node("lb2", ip_address("10.10.50.3"), 253)
    assert (made.node, made.nodes) == (lb1, (lb1, lb2))


def test_a_name_overrides_the_address() -> None:
    made = parse(sample_yaml(vips=[{"address": "10.10.50.4", "interface": "ens192"}]), HOST, read, "lb2")
    assert isinstance(made, Config)
    assert (made.node.name, made.vips[0].interface) == ("lb2", "ens192")


def test_a_vip_takes_its_defaults_from_its_address_and_the_node() -> None:
    assert config().vips == (Vip(ip_address("10.10.50.4"), 32, "eth0", 4, "lb1"),)


def test_a_vip_takes_what_is_written() -> None:
    vip = {"address": "10.10.50.5/24", "interface": "bond0.7", "virtual_router_id": 77, "prefer": "lb2"}
    assert config(vips=[vip]).vips == (Vip(ip_address("10.10.50.5"), 24, "bond0.7", 77, "lb2"),)


def test_an_ipv6_vip_is_a_single_address_by_default() -> None:
    host = Host((HostAddress("eth0", ip_interface("2001:db8::2/64")),), HOST.configuration)
    nodes = [{"name": "lb1", "address": "2001:db8::2"}, {"name": "lb2", "address": "2001:DB8:0::3"}]
    made = parse(sample_yaml(nodes=nodes, vips=[{"address": "2001:db8::1:4"}]), host, read)
    assert isinstance(made, Config)
    assert made.vips == (Vip(ip_address("2001:db8::1:4"), 128, "eth0", 4, "lb1"),)


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("10.10.50.11:6443", Server("10.10.50.11:6443", "10.10.50.11", 6443)),
        ("[2001:DB8::11]:6443", Server("2001:db8::11:6443", "2001:db8::11", 6443)),
        ("[::1]:7443", Server("::1:7443", "::1", 7443)),
        ("API-1.example.org:443", Server("api-1.example.org:443", "api-1.example.org", 443)),
        ({"address": "2001:db8::11", "port": 1}, Server("2001:db8::11:1", "2001:db8::11", 1)),
        (
            {"name": "cp:1", "address": "api", "port": 1, "weight": 0, "backup": False},
            Server("cp:1", "api", 1, 0),
        ),
    ],
)
def test_both_spellings_of_a_server(written: object, server: Server) -> None:
    assert config(frontends=[{"name": "f", "port": 6443, "servers": [written]}]).frontends[0].servers == (server,)


def test_everything_written_is_taken() -> None:
    made = config(
        cluster="prod",
        vrrp={"advert_int": 0.29, "unicast": False, "preempt": False},
        proxy={"kind": "haproxy", "binary": "/usr/local/sbin/haproxy", "user": "_haproxy"},
        health={"path": "/livez?verbose", "interval": 2, "timeout": 0.5, "rise": 5, "fall": 4, "on_no_servers": "fail"},
        keepalived={"manage": "child", "config_file": "/run/k.conf"},
        metrics={"listen": None},
        log={"level": "debug", "format": "json"},
    )
    assert made.cluster == "prod"
    assert made.vrrp == Vrrp(3, 0.29, unicast=False, preempt=False)
    assert (made.proxy.binary, made.proxy.user) == ("/usr/local/sbin/haproxy", "_haproxy")
    assert (made.health.path, made.health.timeout, made.health.on_no_servers) == ("/livez?verbose", 0.5, "fail")
    assert (made.keepalived.manage, made.keepalived.config_file) == ("child", "/run/k.conf")
    assert (made.log.level, made.log.format) == ("debug", "json")


def test_the_digest_is_that_of_the_bytes() -> None:
    text = sample_yaml()
    assert config().digest == hashlib.sha256(text).hexdigest()


def test_the_shipped_example_is_sound_and_shows_no_interface() -> None:
    text = EXAMPLE.read_bytes()
    made = parse(text, HOST, read)
    assert isinstance(made, Config)
    assert [(node.name, str(node.address)) for node in made.nodes] == [("lb1", "10.10.50.2"), ("lb2", "10.10.50.3")]
    assert [str(vip) for vip in made.vips] == ["10.10.50.4/32"]
    assert [server.address for server in made.frontends[0].servers] == ["10.10.50.11", "10.10.50.12", "10.10.50.13"]
    assert b"interface" not in text


def test_what_the_example_shows_in_comments_is_sound_too() -> None:
    text = EXAMPLE.read_text()
    keys = "\n".join(line.removeprefix("# ") for line in text.partition("# vrrp:")[2].splitlines()[1:])
    assert isinstance(parse(f"{text}\nvrrp:\n{keys}\n".encode(), HOST, read), Config)


def test_each_rule_stands_in_the_list_once() -> None:
    assert len(set(RULES)) == len(RULES)


def test_each_timeout_of_a_frontend_is_its_own() -> None:
    timeouts = {"connect": 1, "client": 2, "server": 3}
    made = config(frontends=[{"port": 6443, "servers": ["10.10.50.11:6443"], "timeouts": timeouts}])
    assert made.frontends[0].timeouts == Timeouts(connect=1, client=2, server=3)
