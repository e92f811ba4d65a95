"""What the rules make of other machines, other families, and values at their bounds."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

import pytest

from halbd.model.host import Host, HostAddress
from tests.parse.told import BASE, edited, told
from tests.sample import HOST


def test_names_are_given_once() -> None:
    second = "  - name: kube-apiserver\n    port: 7443\n    servers: [10.10.50.11:6443]\n"
    assert told(edited("lb2", "lb1") + second) == [
        "line 5: nodes[1].name: lb1 is used twice: also at nodes[0].name; give each node its own name",
        (
            "line 15: frontends[1].name: kube-apiserver is used twice: also at frontends[0].name; "
            "give each frontend its own name"
        ),
    ]


def test_a_list_of_nodes_that_lacks_this_machine() -> None:
    assert told(edited("10.10.50.2", "10.10.50.7")) == [
        (
            "line 2: nodes: no node has an address of this machine; "
            "add this machine, or give its name with --node; its addresses are: 10.10.50.2"
        )
    ]


def test_a_machine_with_no_address_is_told_so() -> None:
    (problem,) = told(BASE, Host((), Path("/etc/halbd")))
    assert problem.endswith("its addresses are: none")


def test_a_machine_that_could_be_two_nodes_must_be_told_which() -> None:
    both = Host((*HOST.addresses, HostAddress("eth0", ip_interface("10.10.50.3/24"))), HOST.configuration)
    assert told(BASE, both) == [
        "line 2: nodes: this machine has the addresses of lb1 and lb2; say which it is with --node NAME"
    ]
    assert told(BASE, both, "lb2") == []


def test_an_address_that_two_nodes_have_is_told() -> None:
    assert told(edited("10.10.50.3", "10.10.50.2"), node="lb1") == [
        "line 6: nodes[1].address: 10.10.50.2 is used twice: also at nodes[0].address; give each node its own address"
    ]


def test_a_name_that_no_node_has() -> None:
    assert told(BASE, node="lb3\n") == ["line 2: nodes: no node is named 'lb3\\n'; ask for lb1 or lb2"]


def test_another_machines_interface_must_be_written() -> None:
    assert told(BASE, node="lb2") == [
        (
            "line 8: vips[0].interface: no interface of this machine carries 10.10.50.3, so none is known for the VIP; "
            "write interface: and the name it has on lb2"
        )
    ]
    assert told(edited("10.10.50.4", "10.10.50.4\n    interface: eth0"), node="lb2") == []


def test_another_machines_network_is_not_judged_by_this_one() -> None:
    elsewhere = edited("10.10.50.4", "10.99.0.4\n    interface: eth0").replace(
        "6443\n", "6443\n    bind: 10.99.0.5\n", 1
    )
    assert told(elsewhere, node="lb2") == []


def test_an_interface_without_a_network_of_the_vips_family_is_not_judged() -> None:
    addresses = ("10.10.50.2/32", "fe80::1/64", "10.10.50.4/32")
    host = Host(tuple(HostAddress("eth0", ip_interface(each)) for each in addresses), Path("/etc/halbd"))
    assert told(BASE, host) == []
    assert told(f"{edited('10.10.50.4', '2001:db8::4')}vrrp: {{unicast: false}}\n", host) == []


def test_a_vip_that_is_held_now_does_not_vouch_for_itself() -> None:
    held = HostAddress("eth0", ip_interface("10.10.51.4/24"))
    (problem,) = told(edited("10.10.50.4", "10.10.51.4"), Host((*HOST.addresses, held), HOST.configuration))
    assert "10.10.51.4 is not on a network of eth0 (10.10.50.0/24)" in problem


def test_both_ends_of_a_31_are_addresses() -> None:
    host = Host((HostAddress("eth0", ip_interface("10.10.50.2/31")),), HOST.configuration)
    assert told(edited("10.10.50.4", "10.10.50.3").replace("10.10.50.3\nvips", "10.10.60.3\nvips"), host) == []


def test_a_last_byte_of_zero_gives_no_virtual_router_id() -> None:
    host = Host((HostAddress("eth0", ip_interface("10.10.48.2/20")),), HOST.configuration)
    text = edited("10.10.50.4", "10.10.50.0").replace("50.2", "48.2", 1)
    assert told(text, host) == [
        (
            "line 8: vips[0].virtual_router_id: the last byte of 10.10.50.0 is 0, which is no virtual_router_id; "
            "write virtual_router_id: and a number from 1 to 255"
        )
    ]
    assert told(text.replace("50.0\n", "50.0\n    virtual_router_id: 9\n"), host) == []


def test_one_virtual_router_id_may_serve_two_interfaces() -> None:
    other = edited("10.10.50.4", "10.10.50.4\n  - address: 10.20.0.4\n    interface: eth1")
    assert told(other) == []


def test_ipv6_needs_vrrp_version_3() -> None:
    text = f"{edited('10.10.50.4', '2001:db8::4')}vrrp: {{version: 2, advert_int: 1, unicast: false}}\n"
    assert told(text) == [
        "line 8: vips[0].address: 2001:db8::4 is IPv6, and VRRP version 2 has none; write vrrp.version: 3"
    ]


def test_ipv6_throughout_is_fine() -> None:
    host = Host((HostAddress("eth0", ip_interface("2001:db8::2/64")),), HOST.configuration)
    text = BASE.replace("10.10.50.11:", '"[2001:db8::11]:').replace("6443\n      - 10", '6443"\n      - 10')
    assert told(text.replace("10.10.50.", "2001:db8::").replace("2001:db8::12:", "api.example:"), host) == []


def test_priorities_may_lie_apart_when_nothing_lowers_them() -> None:
    text = edited("10.10.50.3", "10.10.50.3\n    priority: 1")
    assert told(f"{text}health: {{on_no_servers: ignore}}\n") == []


@pytest.mark.parametrize(("highest", "lowest", "fits"), [(6, 5, True), (7, 6, True), (6, 4, False), (5, 4, False)])
def test_the_lowest_priority_less_two_steps_is_at_least_one(highest: int, lowest: int, fits: bool) -> None:
    nodes = edited("50.2", f"50.2\n    priority: {highest}").replace("50.3", f"50.3\n    priority: {lowest}")
    assert (told(nodes) == []) is fits


def test_more_nodes_than_priorities() -> None:
    more = "".join(f"  - name: n{i}\n    address: 10.11.{i // 250}.{i % 250 + 1}\n" for i in range(253))
    problems = told(edited("vips:", f"{more}vips:"))
    assert problems[-1] == "line 511: nodes[254]: no priority is left for this node; 254 nodes are the most"


def test_one_node_has_no_unicast_peer() -> None:
    alone = edited("  - name: lb2\n    address: 10.10.50.3\n", "")
    assert told(alone) == [
        "line 2: nodes: one node has no peer for unicast adverts; add the other nodes, or write vrrp.unicast: false"
    ]
    assert told(f"{alone}vrrp: {{unicast: false}}\n") == []


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("*", "*", True),
        ("*", "10.10.50.4", True),
        ("10.10.50.4", "*", True),
        ("10.10.50.4", "10.10.50.4", True),
        ("10.10.50.4", "10.10.50.2", False),
    ],
)
def test_an_address_and_port_are_listened_on_once(one: str, other: str, clash: bool) -> None:
    second = f'  - name: two\n    bind: "{other}"\n    port: 6443\n    servers: [10.10.50.11:6443]\n'
    problem = (
        "frontends[1].port: port 6443 is already taken by frontends[0]; write another port, or another bind for both"
    )
    expected = [f"line 18: {problem}"] if clash else []
    assert told(edited("port: 6443", f'port: 6443\n    bind: "{one}"') + second) == expected


def test_loopback_is_taken_by_the_probe_of_a_frontend_on_a_vip() -> None:
    """Both would bind it, which no checker sees: half of the probes would be answered by the other frontend."""
    second = '  - name: two\n    bind: "127.0.0.1"\n    port: 6443\n    servers: [10.10.50.11:6443]\n'
    assert told(edited("port: 6443", "port: 6443\n    bind: 10.10.50.4") + second) == [
        (
            "line 17: frontends[1].bind: this node's own probe of frontends[0] needs port 6443 on loopback; "
            "write another port, or an address"
        )
    ]
    assert told(edited("port: 6443", "port: 6443\n    bind: 10.10.50.2") + second) == []
    assert told(edited("port: 6443", "port: 7443\n    bind: 10.10.50.4") + second) == []


def test_a_frontend_on_a_vip_listens_on_loopback_too_and_is_no_server_of_its_own() -> None:
    on_vip = edited("port: 6443", "port: 6443\n    bind: 10.10.50.4").replace("10.10.50.11", "127.0.0.1")
    assert told(on_vip) == [
        (
            "line 14: frontends[0].servers[0]: 127.0.0.1 port 6443 is where this frontend itself listens; "
            "write the API server's own address and port, or another frontend port"
        )
    ]
    assert told(on_vip.replace("127.0.0.1:6443", "127.0.0.1:7443")) == []
    assert told(on_vip.replace("bind: 10.10.50.4", "bind: 10.10.50.2")) == []


def test_a_node_may_run_an_api_server_where_the_proxy_does_not_listen() -> None:
    assert told(edited("10.10.50.11:6443", "10.10.50.2:7443")) == []
    vip_only = edited("port: 6443", "port: 6443\n    bind: 10.10.50.4")
    assert told(vip_only.replace("10.10.50.11:6443", "10.10.50.2:6443").replace(".12:", ".3:")) == []


def test_backups_stand_behind_a_server() -> None:
    backup = "{address: 10.10.50.11, port: 6443, backup: true}"
    assert told(edited("10.10.50.11:6443", backup)) == []
    assert told(edited("10.10.50.11:6443", backup).replace("      - 10.10.50.12:6443\n", "")) == [
        "line 12: frontends[0].servers: every server is a backup; write backup: true for fewer of them"
    ]


def test_version_2_with_whole_seconds_is_fine() -> None:
    assert told(f"{BASE}vrrp: {{version: 2, advert_int: 1}}\n") == []


def test_the_hint_on_timing_cures_the_problem() -> None:
    slow = edited("port: 6443", "port: 6443\n    check: {interval: 30, timeout: 20}")
    assert told(f"{slow}health: {{fall: 19}}\n") == []
    assert told(slow.replace("30, timeout: 20", "10")) == []


def test_a_frontend_on_one_address_is_no_server_of_its_own_there_and_may_be_one_elsewhere() -> None:
    for server, problems in (("10.10.50.2:6443", 1), ("10.10.50.3:6443", 0)):
        text = edited("port: 6443", "port: 6443\n    bind: 10.10.50.2").replace("10.10.50.11:6443", server)
        found = told(text)
        assert ["itself listens" in one for one in found] == [True] * problems, found


def test_the_longest_interval_of_version_3_is_sound() -> None:
    assert told(f"{BASE}vrrp: {{advert_int: 40.95}}\n") == []


def test_a_longer_health_interval_gives_the_proxy_more_time() -> None:
    text = edited("port: 6443", "port: 6443\n    check: {interval: 21}")
    assert [len(told(f"{text}health: {{interval: {interval}}}\n")) for interval in (1, 2.5)] == [1, 0]
