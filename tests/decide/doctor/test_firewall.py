"""Packet filters: what they do with VRRP, and what is said where that cannot be told."""

from __future__ import annotations

import pytest

from halbd.model.facts import Filters
from halbd.model.firewall import Chain, Condition, Key, Rule, Table, Verdict
from tests.decide.doctor.sample import only, said, severities
from tests.sample import config

ACCEPT, DROP, RETURN, CONTINUE = Verdict.ACCEPT, Verdict.DROP, Verdict.RETURN, Verdict.CONTINUE
MULTICAST = config(vrrp={"unicast": False})
SIX = config(vips=[{"address": "2001:db8::4", "interface": "eth0", "virtual_router_id": 4}], vrrp={"unicast": False})
OTHER = Condition(Key.OTHER)


def when(key: Key, *values: str, negated: bool = False) -> Condition:
    return Condition(key, values, negated)


def rule(verdict: Verdict, *conditions: Condition, target: str = "") -> Rule:
    return Rule(conditions, verdict, target)


VRRP = rule(ACCEPT, when(Key.PROTOCOL, "vrrp"))


def table(*rules: Rule, policy: Verdict = DROP, hook: str = "input", more: tuple[Chain, ...] = ()) -> Table:
    chains = (Chain("base", rules, hook, policy), *more)
    return Table("nftables", "inet", "filter", {one.name: one for one in chains})


def judged(*rules: Rule, policy: Verdict = DROP, hook: str = "input", more: tuple[Chain, ...] = ()) -> str:
    """wrong: dropped; fine: let through; unknown: it cannot be told."""
    one = table(*rules, policy=policy, hook=hook, more=more)
    return only("vrrp-firewall", filters=Filters((one,)))[0]


def test_a_policy_of_drop_and_no_rule_for_vrrp_is_wrong_with_the_rule_that_cures_it() -> None:
    tcp = rule(ACCEPT, when(Key.PROTOCOL, "tcp"))
    kind, what, cure = only("vrrp-firewall", filters=Filters((table(tcp),)))
    assert kind == "wrong"
    assert what == "chain base of nftables: inet filter drops VRRP (IP protocol 112) from 10.10.50.3"
    assert cure.startswith("nft insert rule inet filter base meta l4proto vrrp accept, and the same where your rules ")


def test_both_ways_are_looked_at() -> None:
    found = only("vrrp-firewall", filters=Filters((table(hook="output"),)))
    assert found[1].endswith("drops VRRP (IP protocol 112) to 10.10.50.3")
    assert judged(hook="forward") == "fine"
    assert judged(hook="prerouting") == judged(hook="postrouting") == "wrong"


def test_a_chain_at_a_device_counts_for_that_device() -> None:
    def at(hook: str, *devices: str, policy: Verdict = DROP) -> str:
        chains = {"base": Chain("base", (), hook, policy, devices)}
        return only("vrrp-firewall", filters=Filters((Table("nftables", "netdev", "f", chains),)))[0]

    assert at("ingress", "eth0") == at("egress", "lo", "eth0") == "wrong"
    assert at("ingress", "eth1") == at("ingress", policy=ACCEPT) == "fine"
    assert at("ingress") == at("egress") == "unknown"  # of a device that is not told


def test_no_filter_is_fine_and_so_is_one_that_lets_vrrp_through() -> None:
    assert only("vrrp-firewall", filters=Filters(())) == ("fine", "no packet filter is set", "")
    through = Filters((table(VRRP), table(policy=ACCEPT)))
    assert only("vrrp-firewall", filters=through)[1] == "VRRP passes nftables: inet filter, nftables: inet filter"


def test_a_filter_that_could_not_be_read_is_said_and_not_counted_as_fine() -> None:
    assert only("vrrp-firewall", filters=Filters((), "nft is missing"))[:2] == ("unknown", "nft is missing")
    assert severities("vrrp-firewall", filters=Filters((table(),), "nft is missing")) == ["wrong", "unknown"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (when(Key.PROTOCOL, "112"), True),
        (when(Key.PROTOCOL, "tcp", "vrrp"), True),
        (when(Key.PROTOCOL, "tcp"), False),
        (when(Key.PROTOCOL, "tcp", negated=True), True),
        (when(Key.SOURCE, "10.10.50.3"), True),
        (when(Key.SOURCE, "10.10.50.0/24"), True),
        (when(Key.SOURCE, "10.10.50.3/24"), True),
        (when(Key.SOURCE, "10.10.50.1-10.10.50.3"), True),
        (when(Key.SOURCE, "10.10.50.3-10.10.50.9"), True),
        (when(Key.SOURCE, "10.10.50.4-10.10.50.9"), False),
        (when(Key.SOURCE, "2001:db8::1-2001:db8::ffff"), False),
        (when(Key.SOURCE, "2001:db8::/64"), False),
        (when(Key.SOURCE, "10.10.50.2"), False),
        (when(Key.TARGET, "10.10.50.2"), True),
        (when(Key.TARGET, "224.0.0.18"), False),
        (when(Key.IN, "eth0"), True),
        (when(Key.IN, "eth*"), True),
        (when(Key.IN, "eth+"), True),
        (when(Key.IN, "eth1*"), False),
        (when(Key.IN, "ens*"), False),
        (when(Key.IN, "eth0*"), True),
        (when(Key.IN, "lo"), False),
        (when(Key.IN, "eth"), False),
        (when(Key.IN, "lo", negated=True), True),
        (when(Key.OUT, "eth0"), False),
        (when(Key.FAMILY, "ip"), True),
        (when(Key.FAMILY, "ip6"), False),
        (when(Key.STATE, "new", "established"), True),
        (when(Key.STATE, "established", "related"), False),
    ],
    ids=str,
)
def test_a_condition_holds_or_not(condition: Condition, holds: bool) -> None:
    assert judged(rule(ACCEPT, condition)) == ("fine" if holds else "wrong")
    assert judged(rule(DROP, condition), policy=ACCEPT) == ("wrong" if holds else "fine")


@pytest.mark.parametrize("condition", [OTHER, when(Key.SOURCE, "lb2.example")], ids=str)
def test_what_is_not_understood_makes_it_unknown_only_where_it_decides(condition: Condition) -> None:
    assert judged(rule(ACCEPT, condition)) == "unknown"
    assert judged(rule(DROP, condition), policy=ACCEPT) == "unknown"
    assert judged(rule(DROP, condition)) == "wrong"
    assert judged(rule(ACCEPT, condition), VRRP) == "fine"
    assert judged(rule(ACCEPT, condition, when(Key.PROTOCOL, "tcp"))) == "wrong"
    (told,) = said("vrrp-firewall", filters=Filters((table(rule(ACCEPT, condition)),)))
    assert told.cure == "nft list table inet filter"
    passes = "that depends on what is not understood here"
    assert told.what == f"chain base of nftables: inet filter may drop VRRP from 10.10.50.3: {passes}"


def test_an_outgoing_packet_has_no_interface_that_it_came_in_by() -> None:
    assert judged(rule(ACCEPT, when(Key.OUT, "eth0")), hook="output") == "fine"
    assert judged(rule(ACCEPT, when(Key.IN, "eth0")), hook="output") == "wrong"


def test_the_first_rule_that_holds_decides() -> None:
    assert judged(VRRP, rule(DROP)) == "fine"
    assert judged(rule(DROP), VRRP, policy=ACCEPT) == "wrong"
    assert judged(rule(CONTINUE), VRRP) == "fine"
    assert judged(rule(Verdict.UNCLEAR), VRRP) == "unknown"
    assert judged(rule(RETURN), VRRP) == "wrong"
    assert judged(rule(DROP, when(Key.PROTOCOL, "tcp")), rule(DROP, OTHER), policy=ACCEPT) == "unknown"


def jump(target: str, *conditions: Condition) -> Rule:
    return rule(Verdict.JUMP, *conditions, target=target)


def test_jumps_come_back_and_gotos_do_not() -> None:
    empty = Chain("empty", ())
    accepts = Chain("accepts", (VRRP,))
    returns = Chain("returns", (rule(RETURN), VRRP))
    goto = rule(Verdict.GOTO, target="empty")
    assert judged(jump("accepts"), more=(accepts,)) == "fine"
    assert judged(jump("empty"), VRRP, more=(empty,)) == "fine"
    assert judged(jump("returns"), more=(returns,)) == "wrong"
    assert judged(goto, VRRP, more=(empty,)) == "wrong"
    assert judged(jump("empty"), jump("empty"), VRRP, more=(empty,)) == "fine"
    assert judged(jump("accepts", OTHER), more=(accepts,)) == "unknown"
    assert judged(jump("nowhere"), more=()) == "unknown"


def test_a_loop_of_jumps_ends() -> None:
    """The kernel refuses one; whatever says so nevertheless must not hang the doctor."""
    assert judged(jump("loop"), more=(Chain("loop", (jump("loop"),)),)) == "unknown"


def test_the_tables_of_the_other_family_are_left_out() -> None:
    chains = {"base": Chain("base", (), "input", DROP)}
    assert only("vrrp-firewall", filters=Filters((Table("nftables", "ip6", "filter", chains),)))[0] == "fine"
    assert only("vrrp-firewall", filters=Filters((Table("nftables", "ip", "filter", chains),)))[0] == "wrong"


def test_the_cure_is_in_the_words_of_the_program_that_has_the_rules() -> None:
    chains = {"INPUT": Chain("INPUT", (rule(DROP),), "input", ACCEPT)}
    unclear = {"INPUT": Chain("INPUT", (rule(DROP, OTHER),), "input", ACCEPT)}

    def cure(program: str, family: str, name: str, chains: dict[str, Chain] = chains) -> str:
        return only("vrrp-firewall", filters=Filters((Table(program, family, name, chains),), firewalld=True))[2]

    assert cure("iptables", "ip", "filter").startswith("iptables -I INPUT -p vrrp -j ACCEPT")
    assert cure("iptables", "ip", "raw").startswith("iptables -t raw -I INPUT -p vrrp")
    assert cure("iptables", "ip", "filter", unclear) == "iptables-save -t filter"
    assert cure("nftables", "inet", "firewalld").startswith("firewall-cmd --permanent --add-protocol=vrrp")
    assert cure("nftables", "inet", "filter").startswith("nft insert rule")


def test_multicast_adverts_go_to_their_group() -> None:
    group = rule(ACCEPT, when(Key.TARGET, "224.0.0.18"))
    filters = Filters((table(group),))
    assert severities("vrrp-firewall", filters=filters) == ["wrong"]
    assert severities("vrrp-firewall", MULTICAST, filters=filters) == ["fine"]
    peers = Filters((table(rule(ACCEPT, when(Key.SOURCE, "10.10.50.3"))),))
    assert severities("vrrp-firewall", MULTICAST, filters=peers) == ["fine"]


def test_ipv6_adverts_are_looked_for_in_ip6() -> None:
    chains = {"INPUT": Chain("INPUT", (rule(DROP),), "input", ACCEPT)}
    told = said("vrrp-firewall", SIX, filters=Filters((Table("iptables", "ip6", "filter", chains),)))
    assert [one.cure.partition(" ")[0] for one in told] == ["ip6tables"]
    assert told[0].what.endswith("from a peer")
    local = Filters((table(rule(ACCEPT, when(Key.SOURCE, "fe80::/10"))),))
    assert severities("vrrp-firewall", SIX, filters=local) == ["unknown"]
    unclear = {"INPUT": Chain("INPUT", (rule(DROP, OTHER),), "input", ACCEPT)}
    told = said("vrrp-firewall", SIX, filters=Filters((Table("iptables", "ip6", "filter", unclear),)))
    assert [one.cure for one in told] == ["ip6tables-save -t filter"]


def test_rules_that_could_not_be_read_say_what_to_install() -> None:
    kind, what, cure = only("vrrp-firewall", filters=Filters((), unread="nft is not installed"))
    assert (kind, what, cure) == ("unknown", "nft is not installed", "apt-get install nftables (or dnf)")
