"""What a packet filter does with a packet, walked through rule by rule.

A rule with a condition that is not understood may hold or not; so the answer is a set of what can happen, and only a
packet that can have no other fate is said to be dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TypeAlias

from halbd.model.firewall import Chain, Condition, Key, Packet, Rule, Table, Verdict

Fates: TypeAlias = frozenset[Verdict]
"""Of ACCEPT, DROP, RETURN, CONTINUE."""
ANY: Fates = frozenset({Verdict.ACCEPT, Verdict.DROP, Verdict.CONTINUE})
"""What something that is not understood may do."""
HOOKS = {True: ("ingress", "prerouting", "input"), False: ("output", "postrouting", "egress")}
"""By whether the packet comes in."""
AT_A_DEVICE = {"ingress", "egress"}


def fates(table: Table, packet: Packet) -> Iterator[tuple[Chain, Fates]]:
    """What each base chain of the packet's way may do with it: ACCEPT, DROP or either."""
    if table.family not in {"inet", "netdev", packet.family}:
        return
    walk = _Walk(table.chains, packet)
    for chain in table.chains.values():
        if chain.hook in HOOKS[packet.incoming] and packet.interface in (chain.devices or (packet.interface,)):
            found = walk.chain(chain.name)
            ends = found & {Verdict.ACCEPT, Verdict.DROP}
            elsewhere = {Verdict.ACCEPT} if chain.hook in AT_A_DEVICE and not chain.devices else set()
            yield chain, ends | ({chain.policy} if found - ends else frozenset()) | elsewhere


@dataclass
class _Walk:
    """Each chain is walked once: many rules may jump to it."""

    chains: Mapping[str, Chain]
    packet: Packet
    known: dict[str, Fates] = field(default_factory=dict)

    def chain(self, name: str) -> Fates:
        if name not in self.known:
            self.known[name] = ANY  # while it is walked; the kernel refuses a loop
            chain = self.chains.get(name)
            self.known[name] = self._walked(chain) if chain else ANY
        return self.known[name]

    def _walked(self, chain: Chain) -> Fates:
        found: set[Verdict] = set()
        for rule in chain.rules:
            holds = _all_hold(rule.conditions, self.packet)
            if holds is False:
                continue
            given = self._given(rule)
            found |= given - {Verdict.CONTINUE}
            if holds and Verdict.CONTINUE not in given:
                return frozenset(found)
        return frozenset(found | {Verdict.RETURN})

    def _given(self, rule: Rule) -> Fates:
        match rule.verdict:
            case Verdict.UNCLEAR:
                return ANY
            case Verdict.GOTO:
                return self.chain(rule.target)
            case Verdict.JUMP:
                found = self.chain(rule.target)
                back = {Verdict.CONTINUE} if Verdict.RETURN in found else set()
                return frozenset(found - {Verdict.RETURN} | back)
            case Verdict.ACCEPT | Verdict.DROP | Verdict.RETURN | Verdict.CONTINUE:
                return frozenset({rule.verdict})


def _all_hold(conditions: tuple[Condition, ...], packet: Packet) -> bool | None:
    """None: it cannot be told."""
    each = [_holds(one, packet) for one in conditions]
    if False in each:
        return False
    return None if None in each else True


def _holds(one: Condition, packet: Packet) -> bool | None:
    found = _any(one, packet)
    return found if found is None else found is not one.negated


def _any(one: Condition, packet: Packet) -> bool | None:
    match one.key:
        case Key.PROTOCOL:
            return not packet.protocol.isdisjoint(one.values)
        case Key.FAMILY:
            return packet.family in one.values
        case Key.STATE:
            return "new" in one.values  # nobody answers an advert: its flow is never established (conntrack)
        case Key.SOURCE:
            return _among(packet.source, one.values)
        case Key.TARGET:
            return _among(packet.target, one.values)
        case Key.IN:
            return packet.incoming and _named(packet.interface, one.values)
        case Key.OUT:
            return not packet.incoming and _named(packet.interface, one.values)
        case Key.OTHER:
            return None


def _among(address: str, values: tuple[str, ...]) -> bool | None:
    try:
        return any(_within(address, value) for value in values)
    except ValueError:
        return None  # a name


def _within(address: str, value: str) -> bool:
    """An address, a network, or a range. Raises ValueError."""
    one = ip_address(address)
    first, dash, last = value.partition("-")
    if dash:
        low, high = int(ip_address(first)), int(ip_address(last))
        return ip_address(first).version == one.version and low <= int(one) <= high
    return one in ip_network(value, strict=False)


def _named(interface: str, values: tuple[str, ...]) -> bool:
    """A name; or the beginning of one, before * (nftables) or + (iptables)."""
    return any(interface.startswith(one[:-1]) if one.endswith(("*", "+")) else interface == one for one in values)
