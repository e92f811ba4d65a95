"""Does the packet filter let VRRP through, both ways?"""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor.rules import fates
from halbd.decide.doctor.said import fine, unknown, with_config, wrong
from halbd.decide.groups import Instance, instances
from halbd.model.config import Config, Node
from halbd.model.facts import Facts, Unknown
from halbd.model.findings import Said
from halbd.model.firewall import Chain, Packet, Table, Verdict

VRRP = frozenset({"vrrp", "112"})
GROUPS = {4: "224.0.0.18", 6: "ff02::12"}
"""Where multicast adverts go (RFC 9568, 5.1.1.2 and 5.1.2.2)."""


@with_config
def vrrp(config: Config, facts: Facts) -> Iterator[Said]:
    """Each way between this node and each peer."""
    if isinstance(facts.filters, Unknown):
        yield unknown(facts.filters.why)
        return
    bad = [
        said
        for packet in _packets(config)
        for table in facts.filters.tables
        for chain, found in fates(table, packet)
        for said in _judged(table, chain, packet, found, firewalld=facts.filters.firewalld)
    ]
    yield from dict.fromkeys(bad)
    if facts.filters.unread:
        yield unknown(facts.filters.unread, "apt-get install nftables (or dnf)")
    elif not bad:
        tables = ", ".join(map(str, facts.filters.tables))
        yield fine(f"VRRP passes {tables}" if tables else "no packet filter is set")


def _judged(
    table: Table, chain: Chain, packet: Packet, found: frozenset[Verdict], *, firewalld: bool
) -> Iterator[Said]:
    way = f"from {packet.source or 'a peer'}" if packet.incoming else f"to {packet.target}"
    where = f"chain {chain.name} of {table}"
    if found == {Verdict.DROP}:
        yield wrong(f"{where} drops VRRP (IP protocol 112) {way}", _cure(table, chain, packet, firewalld=firewalld))
    elif Verdict.DROP in found:
        yield unknown(f"{where} may drop VRRP {way}: that depends on what is not understood here", _look(table))


def _cure(table: Table, chain: Chain, packet: Packet, *, firewalld: bool) -> str:
    if firewalld and table.name == "firewalld":
        return "firewall-cmd --permanent --add-protocol=vrrp && firewall-cmd --reload"
    if table.program == "iptables":
        program = "iptables" if packet.family == "ip" else "ip6tables"
        of = "" if table.name == "filter" else f"-t {table.name} "
        return f"{program} {of}-I {chain.name} -p vrrp -j ACCEPT, and the same where your rules are kept"
    rule = f"nft insert rule {table.family} {table.name} {chain.name} meta l4proto vrrp accept"
    return f"{rule}, and the same where your rules are kept (/etc/nftables.conf)"


def _look(table: Table) -> str:
    if table.program == "nftables":
        return f"nft list table {table.family} {table.name}"
    return f"{'iptables' if table.family == 'ip' else 'ip6tables'}-save -t {table.name}"


def _packets(config: Config) -> Iterator[Packet]:
    """The adverts of every peer to this node and of this node to every peer, for each instance."""
    for instance in instances(config):
        for node in config.nodes:
            if node.name != config.node.name:
                yield _packet(config, instance, node, incoming=True)
                yield _packet(config, instance, node, incoming=False)


def _packet(config: Config, instance: Instance, peer: Node, *, incoming: bool) -> Packet:
    sender, receiver = (peer, config.node) if incoming else (config.node, peer)
    # A multicast advert for IPv6 comes from a link-local address (RFC 9568, 5.1.2.1), which the config does not tell.
    source = str(sender.address) if sender.address.version == instance.family and _told(config, instance) else ""
    target = str(receiver.address) if config.vrrp.unicast else GROUPS[instance.family]
    family = "ip" if instance.family == 4 else "ip6"
    return Packet(VRRP, source, target, instance.interface, family, incoming)


def _told(config: Config, instance: Instance) -> bool:
    return config.vrrp.unicast or instance.family == 4
