"""Rules about `nodes`."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.model.config import OnNoServers
from halbd.parse.finding import Finding, show
from halbd.parse.rules.common import family, unique
from halbd.parse.view import View, candidates, carried


def own_node(view: View) -> Iterator[Finding]:
    """Exactly one node is this machine."""
    found = candidates(view.nodes, view.host, view.asked)
    names = [node.name for node in view.nodes]
    if view.asked is not None and not found:
        yield Finding(("nodes",), f"no node is named {show(view.asked)}", f"ask for {' or '.join(names)}")
    elif not found:
        own = ", ".join(sorted(map(str, carried(view.host)))) or "none"
        hint = f"add this machine, or give its name with --node; its addresses are: {own}"
        yield Finding(("nodes",), "no node has an address of this machine", hint)
    elif view.asked is None and len(found) > 1:
        named = " and ".join(node.name for node in found)
        yield Finding(("nodes",), f"this machine has the addresses of {named}", "say which it is with --node NAME")


def node_names(view: View) -> Iterator[Finding]:
    """No name twice."""
    return unique(
        ((("nodes", i, "name"), node.name) for i, node in enumerate(view.nodes)), "give each node its own name"
    )


def node_addresses(view: View) -> Iterator[Finding]:
    """No address twice."""
    places = ((("nodes", i, "address"), node.address) for i, node in enumerate(view.nodes))
    return unique(places, "give each node its own address")


def one_family(view: View) -> Iterator[Finding]:
    """All nodes speak the same IP: adverts go from each to each."""
    first = family(view.nodes[0].address)
    for i, node in enumerate(view.nodes):
        if family(node.address) != first:
            what = f"{node.address} is {family(node.address)}, and the first node is {first}"
            yield Finding(("nodes", i, "address"), what, "write addresses of one family for all nodes")


def priorities(view: View) -> Iterator[Finding]:
    """Within VRRP's range and distinct: between equals the higher address would win (RFC 5798, 6.4.3)."""
    for i, node in enumerate(view.nodes):
        if node.priority < 1:
            yield Finding(("nodes", i), "no priority is left for this node", "254 nodes are the most")
    places = ((("nodes", i, "priority"), node.priority) for i, node in enumerate(view.nodes))
    yield from unique(places, "leave priority out for all nodes (254, 253, …), or write a different one for each")


def priorities_leave_room(view: View) -> Iterator[Finding]:
    """Lowered by two steps, the lowest priority is still one: so no step is ever lost."""
    values = [node.priority for node in view.nodes]
    step = max(values) - min(values) + 1
    if view.file.health.on_no_servers == OnNoServers.LOWER_PRIORITY and min(values) - 2 * step < 1 <= min(values):
        what = f"priorities too far apart: from {min(values)} to {max(values)}, and lowering takes up to twice {step}"
        yield Finding(
            ("nodes",), what, "leave priority out (254, 253, …), or write values that are close to each other"
        )


def enough_peers(view: View) -> Iterator[Finding]:
    """An empty unicast_peer makes keepalived fall back to multicast when unicast_peer is empty."""
    if view.file.vrrp.unicast and len(view.nodes) < 2:
        yield Finding(
            ("nodes",), "one node has no peer for unicast adverts", "add the other nodes, or write vrrp.unicast: false"
        )
