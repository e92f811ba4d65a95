"""Rules that the real nft and iptables have taken, as the doctor reads and judges them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from halbd.model.errors import HalbdError
from halbd.model.facts import Filters
from halbd.model.findings import Said
from halbd.system.doctor import firewall
from halbd.system.programs import find
from tests.decide.doctor.sample import said
from tests.render.netns import inside, link, namespace, run
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root
DROPS = "add table inet f\nadd chain inet f in { type filter hook input priority 0; policy drop; }\n"
COMMON = "add rule inet f in ct state established,related accept\nadd rule inet f in tcp dport { 22, 6443 } accept\n"
SEEN = "add set inet f s { type ipv4_addr; flags dynamic; }\n"
PEERS = "add set inet f p { type ipv4_addr; elements = { 10.10.50.3 } }\n"
MAP = "add map inet f m { type inet_proto : verdict; elements = { 112 : accept } }\n"


@pytest.fixture
def place() -> Iterator[str]:
    with namespace(fresh_name()) as name:
        yield name


def set_rules(place: str, rules: str) -> None:
    subprocess.run(inside(place, "nft", "-f", "-"), input=rules, text=True, check=True, timeout=20)


def judged(place: str) -> list[Said]:
    return said("vrrp-firewall", filters=within(place, firewall.filters))


def test_without_rules_there_is_nothing_to_read(place: str) -> None:
    assert within(place, firewall.filters) == Filters(())


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", "wrong"),
        (COMMON, "wrong"),
        ("add rule inet f in ct state vmap { established : accept, related : accept, invalid : drop }\n", "wrong"),
        ("add rule inet f in iifname lo accept\nadd rule inet f in meta l4proto { tcp, udp, icmp } accept\n", "wrong"),
        (COMMON + "add rule inet f in ip protocol vrrp accept\n", "fine"),
        ("add rule inet f in meta l4proto 112 counter log accept\n", "fine"),
        ("add rule inet f in ip saddr 10.10.50.0/24 ip daddr 10.10.50.2 ip protocol { esp, 112 } accept\n", "fine"),
        ("add rule inet f in ip saddr 10.10.50.1-10.10.50.3 accept\n", "fine"),
        ("add rule inet f in ip saddr != 10.10.50.3 accept\n", "wrong"),
        ("add rule inet f in ip6 nexthdr 112 accept\n", "wrong"),
        ("add rule inet f in meta nfproto ipv4 accept\n", "fine"),
        ('add rule inet f in iifname "eth*" accept\n', "fine"),
        (PEERS + "add rule inet f in ip saddr @p accept\n", "fine"),
        (PEERS + "add rule inet f in ip saddr != @p accept\n", "wrong"),
        (MAP + "add rule inet f in meta l4proto vmap @m\n", "fine"),
        ("add chain inet f more\nadd rule inet f more ip protocol vrrp accept\nadd rule inet f in jump more\n", "fine"),
        ("add chain inet f more\nadd rule inet f more return\nadd rule inet f in goto more\n", "wrong"),
        ("add rule inet f in ip protocol vrrp reject\nadd rule inet f in accept\n", "wrong"),
        ("add rule inet f in fib daddr type local accept\n", "unknown"),
        ("add rule inet f in meta mark 7 accept\n", "unknown"),
        ("add rule inet f in ip protocol vrrp limit rate 5/second accept\n", "unknown"),
        ("add rule inet f in ip saddr . ip daddr { 10.10.50.3 . 10.10.50.2 } accept\n", "unknown"),
        (SEEN + "add rule inet f in update @s { ip saddr } accept\n", "fine"),
    ],
)  # fmt: skip
def test_nft_with_a_policy_of_drop(place: str, rules: str, expected: str) -> None:
    set_rules(place, DROPS + rules)
    assert [one.severity.value for one in judged(place)] == [expected]


def test_the_cure_that_is_told_for_nft_cures(place: str) -> None:
    set_rules(place, DROPS + COMMON)
    (one,) = judged(place)
    run(*inside(place, *one.cure.partition(",")[0].split()))
    assert [one.severity.value for one in judged(place)] == ["fine"]


def test_other_families_and_hooks_are_left_alone(place: str) -> None:
    set_rules(
        place,
        "add table arp f\nadd chain arp f in { type filter hook input priority 0; policy drop; }\n"
        "add table ip6 f\nadd chain ip6 f in { type filter hook input priority 0; policy drop; }\n"
        "add table ip f\nadd chain ip f passing { type filter hook forward priority 0; policy drop; }\n",
    )
    assert [one.severity.value for one in judged(place)] == ["fine"]


@pytest.mark.parametrize(("family", "hook"), [("netdev", "ingress"), ("netdev", "egress"), ("inet", "ingress")])
def test_a_chain_at_a_device_is_seen(place: str, family: str, hook: str) -> None:
    """The JSON of nft 1.0.6 does not tell the device; one that does tells which packets the chain sees."""
    link((place, "eth0"), (place, "eth1"))
    at = f"add table {family} f\nadd chain {family} f a {{ type filter hook {hook} device eth0 priority 0; }}\n"
    set_rules(place, f"{at}add rule {family} f a meta l4proto vrrp drop\n")
    (one,) = judged(place)
    assert one.severity.value in {"wrong", "unknown"}
    assert f"chain a of nftables: {family} f" in one.what


def iptables(place: str, *rules: str) -> None:
    try:
        find("iptables")
    except HalbdError as error:
        pytest.skip(str(error))
    for rule in rules:
        run(*inside(place, "iptables", *rule.split()))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((), "wrong"),
        (("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A INPUT -i lo -j ACCEPT"), "wrong"),
        (("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -j REJECT"), "wrong"),
        (("-A INPUT -p vrrp -j ACCEPT",), "fine"),
        (("-A INPUT -p 112 -s 10.10.50.0/24 -i eth0 -m comment --comment vrrp -j ACCEPT",), "fine"),
        (("-A INPUT ! -s 10.10.50.3 -j ACCEPT",), "wrong"),
        (("-A INPUT ! -p tcp -j ACCEPT",), "fine"),
        (("-N more", "-A more -p vrrp -j ACCEPT", "-A INPUT -j LOG", "-A INPUT -j more"), "fine"),
        (("-N more", "-A more -j RETURN", "-A INPUT -g more", "-A INPUT -p vrrp -j ACCEPT"), "wrong"),
        (("-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT",), "unknown"),
        (("-A INPUT -p vrrp -j NFQUEUE",), "unknown"),
        (("-A INPUT -p vrrp", "-A INPUT -p vrrp -j ACCEPT"), "fine"),
    ],
)
def test_iptables_with_a_policy_of_drop(place: str, rules: tuple[str, ...], expected: str) -> None:
    iptables(place, "-P INPUT DROP", *rules)
    assert [one.severity.value for one in judged(place)] == [expected]


def test_the_cure_that_is_told_for_iptables_cures(place: str) -> None:
    iptables(place, "-P INPUT DROP", "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT")
    (one,) = judged(place)
    run(*inside(place, *one.cure.partition(",")[0].split()))
    assert [one.severity.value for one in judged(place)] == ["fine"]


def test_both_programs_have_a_say(place: str) -> None:
    iptables(place, "-A INPUT -p vrrp -j ACCEPT")
    set_rules(place, DROPS)
    assert [one.severity.value for one in judged(place)] == ["wrong"]
