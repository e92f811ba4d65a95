"""What one value says about another: one text for each rule, the exact line and the exact words."""

from __future__ import annotations

import pytest

from tests.parse.told import BASE, edited, told

VRID = "write another number from 1 to 255 for one of them"
OWN = "write the API server's own address and port, or another frontend port"
SPREAD = "leave priority out (254, 253, …), or write values that are close to each other"
DISTINCT = "leave priority out for all nodes (254, 253, …), or write a different one for each"
WHOLE = "is no whole number of seconds, and VRRP version 2 has only those; write advert_int: 1, or version: 3"
TWO_FAMILIES = "write vrrp.unicast: false, or IPv4 VIPs, or the nodes' IPv6 addresses"

NODES = [
    (
        "10.10.50.3\n    priority: 254",
        f"7: nodes[1].priority: 254 is used twice: also at nodes[0].priority; {DISTINCT}",
    ),
    (
        "10.10.50.3\n    priority: 100",
        f"2: nodes: priorities too far apart: from 100 to 254, and lowering takes up to twice 155; {SPREAD}",
    ),
    (
        "2001:db8::3",
        (
            "6: nodes[1].address: 2001:db8::3 is IPv6, and the first node is IPv4; "
            "write addresses of one family for all nodes"
        ),
    ),
    ("10.10.50.4", "8: vips[0].address: 10.10.50.4 is the address of lb2; write an address that no machine has"),
]

VIPS = [
    (
        "10.10.51.4",
        (
            "8: vips[0].address: 10.10.51.4 is not on a network of eth0 (10.10.50.0/24); "
            "write an address on that network, or the interface whose network it is on"
        ),
    ),
    (
        "10.10.50.255",
        "8: vips[0].address: 10.10.50.255 is the first or last address of 10.10.50.0/24; write one between them",
    ),
    (
        "2001:db8::4",
        f"8: vips[0].address: 2001:db8::4 is IPv6, and unicast adverts go between IPv4 nodes; {TWO_FAMILIES}",
    ),
    (
        "10.10.50.4\n  - address: 10.10.50.4",
        "9: vips[1].address: 10.10.50.4 is used twice: also at vips[0].address; write each VIP once",
    ),
    (
        "10.10.50.4\n  - address: 10.10.50.5\n    virtual_router_id: 4",
        f"10: vips[1].virtual_router_id: 4 is also that of 10.10.50.4 on the same interface; {VRID}",
    ),
    ("10.10.50.4\n    prefer: lb3", "9: vips[0].prefer: no node is named lb3; write lb1 or lb2"),
]

AT_THE_END = [
    ("vrrp: {version: 2}", f"vrrp.advert_int: 0.2 (the default) {WHOLE}"),
    ("vrrp: {version: 2, advert_int: 0.2}", f"vrrp.advert_int: 0.2 {WHOLE}"),
    ("vrrp: {version: 2, advert_int: 1.5}", f"vrrp.advert_int: 1.5 {WHOLE}"),
    ("vrrp: {advert_int: 0.015}", "vrrp.advert_int: 0.015 is no whole number of centiseconds; write 0.01"),
    ("vrrp: {advert_int: 41}", "vrrp.advert_int: 41 is longer than VRRP version 3 can say; write 40.95 or less"),
    (
        "vrrp: {preempt: false}",
        (
            "vrrp.preempt: false excludes health.on_no_servers: lower_priority, since no node would act on a lowered "
            "priority; write preempt: true, or health.on_no_servers: fail or ignore"
        ),
    ),
    (
        "vrrp: {preempt: false, preempt_delay: 5}\nhealth: {on_no_servers: ignore}",
        (
            "vrrp.preempt_delay: there is nothing to delay under preempt: false; "
            "leave preempt_delay out, or write preempt: true"
        ),
    ),
    ("health: {timeout: 1.5}", "health.timeout: 1.5 is longer than the interval, 1; write 1 or less"),
    (
        'metrics: {listen: "127.0.0.1:9465"}',
        "metrics.listen: a port for metrics is not yet available in this version; write listen: null",
    ),
]

FRONTENDS = [
    (
        "port: 6443\n    check: {server_name: 10.10.50.11}",
        (
            "12: frontends[0].check.server_name: 10.10.50.11 is an address, and certificates are judged by name; "
            "write a DNS name of the certificates of kube-apiserver's servers, such as kubernetes"
        ),
    ),
    (
        "port: 6443\n    bind: 10.10.50.9",
        (
            "12: frontends[0].bind: 10.10.50.9 is neither a VIP nor an address of this machine; "
            'write "*", or the VIP 10.10.50.4'
        ),
    ),
    (
        "port: 6443\n    check: {timeout: 3}",
        "12: frontends[0].check.timeout: 3 is longer than the interval, 2; write 2 or less",
    ),
    (
        "port: 6443\n    check: {interval: 30}",
        (
            "12: "
            "frontends[0].check: the proxy needs 70 s to drop a dead server, more than the 30 s that this node "
            "can wait; write check.interval: 10 or less"
        ),
    ),
    (
        "port: 6443\n    check: {interval: 30, timeout: 20}",
        (
            "12: "
            "frontends[0].check: the proxy needs 100 s to drop a dead server, more than the 30 s that this node "
            "can wait; write health.fall: 9 or more"
        ),
    ),
    (
        "port: 6443\n    check: {insecure: true, ca_file: ca.crt}",
        (
            "12: frontends[0].check.insecure: insecure: true leaves no use for ca_file; keep ca_file and "
            "remove insecure, "
            "or the reverse"
        ),
    ),
]

SERVERS = [
    (
        "10.10.50.12:6443",
        (
            "14: frontends[0].servers[1]: 10.10.50.12 port 6443 is used twice: also at frontends[0].servers[0]; "
            "write each server once; weight gives it a greater share"
        ),
    ),
    (
        '{name: "10.10.50.12:6443", address: api, port: 6443}',
        (
            "14: frontends[0].servers[1].name: 10.10.50.12:6443 is used twice: also at frontends[0].servers[0].name; "
            "give each server its own name"
        ),
    ),
    *(
        (f"{text}:6443", f"13: frontends[0].servers[0]: {shown} port 6443 is where this frontend itself listens; {OWN}")
        for text, shown in [
            ("10.10.50.4", "10.10.50.4"),
            ("10.10.50.3", "10.10.50.3"),
            ("127.0.0.1", "127.0.0.1"),
            ("LocalHost", "localhost"),
        ]
    ),
]


@pytest.mark.parametrize(("new", "words"), NODES)
def test_a_rule_about_nodes(new: str, words: str) -> None:
    assert told(edited("10.10.50.3", new)) == [f"line {words}"]


@pytest.mark.parametrize(("new", "words"), VIPS)
def test_a_rule_about_vips(new: str, words: str) -> None:
    assert told(edited("10.10.50.4", new)) == [f"line {words}"]


@pytest.mark.parametrize(("more", "words"), AT_THE_END)
def test_a_rule_about_a_section(more: str, words: str) -> None:
    assert told(f"{BASE}{more}\n") == [f"line 15: {words}"]


@pytest.mark.parametrize(("new", "words"), FRONTENDS)
def test_a_rule_about_frontends(new: str, words: str) -> None:
    assert told(edited("port: 6443", new)) == [f"line {words}"]


@pytest.mark.parametrize(("new", "words"), SERVERS)
def test_a_rule_about_servers(new: str, words: str) -> None:
    assert told(edited("10.10.50.11:6443", new)) == [f"line {words}"]
