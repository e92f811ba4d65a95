"""What is wrong with a single value: one text for each, the exact line and the exact words."""

from __future__ import annotations

import pytest

from tests.parse.told import BASE, edited, told

PORT = "write a whole number from 1 to 65535"
INTERVAL = "write a number of seconds, from 0.05 to 3600"
NAME = "write at most 63 letters, digits and _ . -, beginning with a letter or digit"
HOST_NAME = "write an address such as 10.10.50.11, or a name of letters, digits, - and ."
CHECK_KEYS = "scheme, path, expect, ca_file, insecure, server_name, interval, timeout, rise, fall"
A_LIST = 'write each entry on a line of its own, after "- "'
VIP = "write an address such as 10.10.50.4, with or without a prefix length"
LINK_LOCAL = (
    "is a link-local address, which nobody can connect to without naming an interface; "
    "write a global or a unique local one, such as fd00::4"
)

IN_THE_FRONTEND = [
    ("port: 70000", f"11: frontends[0].port: 70000 is not a port; {PORT}"),
    ("port: 0", f"11: frontends[0].port: 0 is not a port; {PORT}"),
    ("port: -1", f"11: frontends[0].port: -1 is not a port; {PORT}"),
    ('port: "6443"', f"11: frontends[0].port: '6443' is not a port; {PORT}, without quotes"),
    ("port: 06443", f"11: frontends[0].port: '06443' is not a port; {PORT}, without quotes"),
    ("port: 12:30", f"11: frontends[0].port: '12:30' is not a port; {PORT}, without quotes"),
    ("port: 6443.0", f"11: frontends[0].port: 6443.0 is not a port; {PORT}"),
    ("port: true", f"11: frontends[0].port: true is not a port; {PORT}"),
    ("port:", f"11: frontends[0].port: nothing is not a port; {PORT}"),
    ("port: [1]", f"11: frontends[0].port: a list is not a port; {PORT}"),
    ("port: {a: 1}", f"11: frontends[0].port: a mapping is not a port; {PORT}"),
    ("port: " + "9" * 18, f"11: frontends[0].port: {'9' * 18} is not a port; {PORT}"),
    ("port: " + "9" * 5000, f"11: frontends[0].port: '{'9' * 59}… is not a port; {PORT}, without quotes"),
    ("port: 6443\n    mode: http", "12: frontends[0].mode: 'http' is not one of tcp; write tcp"),
    (
        "port: 6443\n    balance: leastcon",
        "12: frontends[0].balance: 'leastcon' is not one of roundrobin, leastconn, source; write leastconn",
    ),
    (
        "port: 6443\n    balance: 7",
        (
            "12: frontends[0].balance: 7 is not one of roundrobin, leastconn, source; "
            "write roundrobin or leastconn or source"
        ),
    ),
    (
        "port: 6443\n    bind: 0.0.0.0",
        "12: frontends[0].bind: '0.0.0.0' is not an address of one machine; write \"*\" for every address",
    ),
    (
        'port: 6443\n    bind: "::"',
        "12: frontends[0].bind: '::' is not an address of one machine; write \"*\" for every address",
    ),
    (
        "port: 6443\n    bind: eth0",
        "12: frontends[0].bind: 'eth0' is not an IP address; write an IP address, or \"*\" in quotes for every address",
    ),
    (
        "port: 6443\n    max_connections: 0",
        "12: frontends[0].max_connections: 0 is not a number of connections; write a whole number from 1 to 1000000",
    ),
    ("port: 6443\n    timeouts: {clent: 1}", "12: frontends[0].timeouts.clent: unknown key; did you mean client?"),
    (
        "port: 6443\n    timeouts: {client: 0.001}",
        (
            "12: frontends[0].timeouts.client: 0.001 is not a time; "
            "write a number of seconds, 0 (no limit) or from 0.01 to 604800"
        ),
    ),
    (
        "port: 6443\n    check:",
        f"12: frontends[0].check: nothing stands where keys belong; write one of these below it: {CHECK_KEYS}",
    ),
    (
        "port: 6443\n    check: {expect: 200}",
        f"12: frontends[0].check.expect: 200 stands where a list belongs; {A_LIST}",
    ),
    (
        "port: 6443\n    check: {expect: []}",
        "12: frontends[0].check.expect: the list is empty; write at least one entry",
    ),
    (
        "port: 6443\n    check:\n      expect: [200,\n        600]",
        "14: frontends[0].check.expect[1]: 600 is not an HTTP status; write a whole number from 100 to 599",
    ),
    (
        "port: 6443\n    check: {interval: 1s}",
        f"12: frontends[0].check.interval: '1s' is not a time; {INTERVAL}, without quotes or a unit",
    ),
    (
        "port: 6443\n    check: {interval: .inf}",
        f"12: frontends[0].check.interval: '.inf' is not a time; {INTERVAL}, without quotes or a unit",
    ),
    ("port: 6443\n    check: {interval: 1e999}", f"12: frontends[0].check.interval: inf is not a time; {INTERVAL}"),
    ("port: 6443\n    bind: fe80::4", "12: frontends[0].bind: fe80::4 is a link-local address, which nobody can "),
    ("port: 6443\n    check: {interval: true}", f"12: frontends[0].check.interval: true is not a time; {INTERVAL}"),
    (
        "port: 6443\n    check: {rise: 0}",
        "12: frontends[0].check.rise: 0 is not a count; write a whole number from 1 to 100",
    ),
    (
        "port: 6443\n    check: {insecure: yes}",
        "12: frontends[0].check.insecure: 'yes' is neither true nor false; write true, without quotes",
    ),
    (
        "port: 6443\n    check: {insecure: 1}",
        "12: frontends[0].check.insecure: 1 is neither true nor false; write true or false, without quotes",
    ),
    (
        "port: 6443\n    check: {path: readyz}",
        (
            "12: frontends[0].check.path: 'readyz' is not a path that can be asked for; "
            "write a path such as /readyz: it begins with / and holds no blanks, quotes, # or a backslash"
        ),
    ),
    (
        "port: 6443\n    check: {server_name: a_b}",
        f"12: frontends[0].check.server_name: 'a_b' is neither an IP address nor a host name; {HOST_NAME}",
    ),
    ("prt: 6443", "11: frontends[0].prt: unknown key; did you mean port?"),
    ("port: 6443\n    1: 2", "12: frontends[0].1: unknown key; the keys here are name, bind, port, mode, balance, "),
    ("port: 6443\n    <<: {a: b}", "12: frontends[0].'<<': unknown key; the keys here are name, bind, port, mode, "),
]

AS_SERVER = [
    ("10.10.50.11", "'10.10.50.11' is not host:port; write 10.10.50.11:6443, or [2001:db8::11]:6443 for IPv6"),
    ("10.10.50.11:x", "'10.10.50.11:x' is not host:port; write 10.10.50.11:6443, or [2001:db8::11]:6443 for IPv6"),
    ("2001:db8::1:64", "'2001:db8::1:64' is not host:port; write 10.10.50.11:6443, or [2001:db8::11]:6443 for IPv6"),
    ('"[eth0]:6443"', "'[eth0]:6443' is not host:port; write 10.10.50.11:6443, or [2001:db8::11]:6443 for IPv6"),
    ("5", "5 stands where keys belong; write one of these below it: name, address, port, weight, backup"),
    ("[a]", "a list stands where keys belong; write one of these below it: name, address, port, weight, backup"),
]

IN_THE_SERVER = [
    ("10.10.50.11:70000", f"port: 70000 is not a port; {PORT}"),
    ("10.10.50.11:06443", f"port: '06443' is not a port; {PORT}, without quotes"),
    ("10.10.50.311:6443", f"address: '10.10.50.311' is neither an IP address nor a host name; {HOST_NAME}"),
    ("api.:6443", f"address: 'api.' is neither an IP address nor a host name; {HOST_NAME}"),
    ("-api:6443", f"address: '-api' is neither an IP address nor a host name; {HOST_NAME}"),
    (":6443", f"address: '' is neither an IP address nor a host name; {HOST_NAME}"),
    (
        "224.0.0.1:6443",
        "address: 224.0.0.1 is not the address of one machine; write an IP address such as 10.10.50.2",
    ),
    ('"[fe80::11]:6443"', f"address: fe80::11 {LINK_LOCAL}"),
    ("{address: 5, port: 1}", f"address: 5 is neither an IP address nor a host name; {HOST_NAME}"),
    (f"{'a' * 64}:6443", f"address: '{'a' * 59}… is neither an IP address nor a host name; {HOST_NAME}"),
    ("{address: api}", "port: is missing; add port: Its TCP port"),
    ("{address: api, port: 1, wait: 1}", "wait: unknown key; did you mean weight?"),
    ("{address: api, port: 1, weight: 257}", "weight: 257 is not a weight; write a whole number from 0 to 256"),
    ("{address: api, port: 1, backup: 1}", "backup: 1 is neither true nor false; write true or false, without quotes"),
]

AS_VIP = [
    ("10.10.50", f"8: vips[0].address: '10.10.50' is not an IP address; {VIP}"),
    ("10.1", f"8: vips[0].address: 10.1 is not an IP address; {VIP}"),
    ("10.10.50.4/33", f"8: vips[0].address: '10.10.50.4/33' is not an IP address; {VIP}"),
    ("10.10.50.4/0", f"8: vips[0].address: '10.10.50.4/0' is not an IP address; {VIP}"),
    ("10.10.50.4/255.0.0.0", f"8: vips[0].address: '10.10.50.4/255.0.0.0' is not an IP address; {VIP}"),
    ("fe80::4%eth0", f"8: vips[0].address: 'fe80::4%eth0' is not an IP address; {VIP}"),
    ("fe80::4/64", f"8: vips[0].address: fe80::4 {LINK_LOCAL}"),
    ("::ffff:10.10.50.4", "8: vips[0].address: ::ffff:a0a:3204 is an IPv4 address in IPv6 dress; write 10.10.50.4"),
    (
        "224.0.0.18",
        "8: vips[0].address: 224.0.0.18 is not the address of one machine; write an IP address such as 10.10.50.2",
    ),
    (
        "255.255.255.255",
        "8: vips[0].address: 255.255.255.255 is not the address of one machine; write an IP address such as 10.10.50.2",
    ),
    (
        "0.0.0.0/8",
        "8: vips[0].address: 0.0.0.0 is not the address of one machine; write an IP address such as 10.10.50.2",
    ),
    (
        "10.10.50.4\n    interface: abcdefghijklmnop",
        (
            "9: vips[0].interface: 'abcdefghijklmnop' is not the name of an interface; "
            "write at most 15 letters, digits and _ . -, beginning with a letter or digit"
        ),
    ),
    (
        "10.10.50.4\n    virtual_router_id: 0",
        "9: vips[0].virtual_router_id: 0 is not a virtual_router_id; write a whole number from 1 to 255",
    ),
    (
        "10.10.50.4\n    virtual_router_id: 256",
        "9: vips[0].virtual_router_id: 256 is not a virtual_router_id; write a whole number from 1 to 255",
    ),
]

AT_THE_END = [
    ("nodez: 1", "nodez: unknown key; did you mean nodes?"),
    ('"a\\nb": 1', "'a\\nb': unknown key; the keys here are cluster, nodes, vips, vrrp, proxy, frontends, health, "),
    (f"{'k' * 70}: 1", f"'{'k' * 59}…: unknown key; the keys here are cluster, nodes, "),
    ("vrrp:", "vrrp: nothing stands where keys belong; write one of these below it: version, advert_int, unicast, "),
    ("vrrp: {version: 4}", "vrrp.version: 4 is not a version of VRRP; write a whole number from 2 to 3"),
    ("vrrp: {preempt: never}", "vrrp.preempt: 'never' is neither true nor false; write true or false, without quotes"),
    (
        "vrrp: {preempt_delay: 1001}",
        "vrrp.preempt_delay: 1001 is not a time; write a number of seconds, from 0 to 1000",
    ),
    ('vrrp: {auth_pass_file: ""}', "vrrp.auth_pass_file: '' is not a file name; write the name of a file, without "),
    ("proxy: {kind: nginx}", "proxy.kind: 'nginx' is not one of haproxy, envoy; write haproxy or envoy"),
    (
        "proxy: {binary: haproxy}",
        (
            "proxy.binary: 'haproxy' is not an absolute path of plain words; "
            "write a path such as /usr/sbin/haproxy: letters, digits, _ . + - and /"
        ),
    ),
    ("proxy: {binary: /usr/../x}", "proxy.binary: '/usr/../x' is not an absolute path of plain words; "),
    ("proxy: {user: 9}", 'proxy.user: 9 is not an account; write the name of an account, in quotes: "9"'),
    ("health: {interval: 0}", "health.interval: 0 is not a time; write a number of seconds, from 0.05 to 60"),
    (
        "keepalived: {manage: docker}",
        "keepalived.manage: 'docker' is not one of auto, systemd, child, none; write auto or ",
    ),
    ("keepalived: {config_file: k.conf}", "keepalived.config_file: 'k.conf' is not an absolute path of plain words; "),
    ("log: {level: warn}", "log.level: 'warn' is not one of debug, info, warning, error; write warning"),
    ("log: {format: text}", "log.format: 'text' is not one of auto, json, console; write auto or json or console"),
    ("metrics: {listen: 9465}", "metrics.listen: 9465 is not address:port; write null"),
]


@pytest.mark.parametrize(("new", "words"), IN_THE_FRONTEND)
def test_a_value_of_the_frontend(new: str, words: str) -> None:
    assert any(problem.startswith(f"line {words}") for problem in told(edited("port: 6443", new)))


@pytest.mark.parametrize(("new", "words"), AS_SERVER)
def test_a_server_of_the_wrong_shape(new: str, words: str) -> None:
    assert told(edited("10.10.50.11:6443", new)) == [f"line 13: frontends[0].servers[0]: {words}"]


@pytest.mark.parametrize(("new", "words"), IN_THE_SERVER)
def test_a_value_of_the_server(new: str, words: str) -> None:
    assert told(edited("10.10.50.11:6443", new)) == [f"line 13: frontends[0].servers[0].{words}"]


@pytest.mark.parametrize(("new", "words"), AS_VIP)
def test_a_value_of_the_vip(new: str, words: str) -> None:
    assert told(edited("10.10.50.4", new)) == [f"line {words}"]


@pytest.mark.parametrize(("more", "words"), AT_THE_END)
def test_a_value_of_a_section(more: str, words: str) -> None:
    (problem,) = told(f"{BASE}{more}\n")
    assert problem.startswith(f"line 15: {words}")


def test_an_address_of_a_node_is_one_without_a_prefix_length() -> None:
    assert told(edited("10.10.50.2", "10.10.50.2/24")) == [
        "line 4: nodes[0].address: '10.10.50.2/24' is not an IP address; write an IP address such as 10.10.50.2"
    ]


@pytest.mark.parametrize(
    ("old", "new"), [("10.10.50.4", "169.254.0.4"), ("10.10.50.11", "169.254.0.11"), ("10.10.50.2", "fe80::2")]
)
def test_link_local_does_where_no_interface_has_to_be_named(old: str, new: str) -> None:
    """IPv4 names none; the adverts between two nodes leave by the interface of the VIP."""
    assert not [problem for problem in told(edited(old, new)) if "link-local" in problem]


def test_a_number_as_a_name_is_told_the_quotes() -> None:
    assert told(edited("kubernetes", "42")) == [f'line 1: cluster: 42 is not a name; {NAME}, in quotes: "42"']


def test_required_keys_that_are_missing_are_told_with_their_meaning() -> None:
    assert told("cluster: x\n") == [
        "line 1: frontends: is missing; add frontends: What the proxy listens for",
        "line 1: nodes: is missing; add nodes: Every load-balancer VM; list order is preference",
        "line 1: vips: is missing; add vips: The virtual IPs that move between the nodes",
    ]


def test_empty_lists_are_told() -> None:
    assert told("nodes: []\nvips: []\nfrontends: []\n") == [
        "line 1: nodes: the list is empty; write at least one entry",
        "line 2: vips: the list is empty; write at least one entry",
        "line 3: frontends: the list is empty; write at least one entry",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("yes", "true"), ("on", "true"), ("Y", "true"), ("NO", "false"), ("off", "false"), ("n", "false")],
)
def test_what_yaml_1_1_took_for_a_truth_is_told_with_the_word_to_write(written: str, meant: str) -> None:
    assert told(f"{BASE}vrrp: {{unicast: {written}}}\n") == [
        f"line 15: vrrp.unicast: '{written}' is neither true nor false; write {meant}, without quotes"
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [("false", "false"), ("true", "true"), ("~", "nothing"), ("n" * 58, f"'{'n' * 58}'"), ("n" * 59, f"'{'n' * 59}…")],
)
def test_a_value_is_shown_as_written_up_to_sixty_characters(written: str, shown: str) -> None:
    (problem,) = told(f"{BASE}proxy: {{kind: {written}}}\n")
    assert problem.startswith(f"line 15: proxy.kind: {shown} is not one of ")
