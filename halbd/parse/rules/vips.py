"""Rules about `vips`."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from halbd.model.config import Address, Vip
from halbd.model.host import Host
from halbd.parse.finding import Finding
from halbd.parse.rules.common import doubles, family, unique, vip_place
from halbd.parse.view import View


def vip_addresses(view: View) -> Iterator[Finding]:
    """No VIP twice."""
    return unique(((vip_place(i), vip.address) for i, vip in enumerate(view.vips)), "write each VIP once")


def vip_is_no_node(view: View) -> Iterator[Finding]:
    """A VIP moves; a node's own address stays."""
    for i, vip in enumerate(view.vips):
        for node in view.nodes:
            if node.address == vip.address:
                yield Finding(
                    vip_place(i), f"{vip.address} is the address of {node.name}", "write an address that no machine has"
                )


def vip_interface(view: View) -> Iterator[Finding]:
    """Each VIP has an interface to stand on."""
    for i, vip in enumerate(view.vips):
        if not vip.interface and view.me:
            what = f"no interface of this machine carries {view.me.address}, so none is known for the VIP"
            yield Finding(vip_place(i, "interface"), what, f"write interface: and the name it has on {view.me.name}")


def vip_on_network(view: View) -> Iterator[Finding]:
    """Neighbours find a VIP only on their own network. Judged by what the interface carries now."""
    held = {vip.address for vip in view.vips}
    for i, vip in enumerate(view.vips):
        near = _networks(view.host, vip, held) if view.at_home else ()
        listed = ", ".join(map(str, near))
        if near and not any(vip.address in network for network in near):
            what = f"{vip.address} is not on a network of {vip.interface} ({listed})"
            yield Finding(
                vip_place(i), what, "write an address on that network, or the interface whose network it is on"
            )
        elif any(_reserved(vip, network) for network in near):
            yield Finding(
                vip_place(i), f"{vip.address} is the first or last address of {listed}", "write one between them"
            )


def _networks(host: Host, vip: Vip, held: set[Address]) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks on the VIP's interface. VIPs held now, single addresses and link-local networks tell nothing."""
    return tuple(network for network in _carried(host, vip, held) if network.num_addresses > 1)


def _carried(host: Host, vip: Vip, held: set[Address]) -> Iterator[IPv4Network | IPv6Network]:
    for entry in host.addresses:
        same = entry.interface == vip.interface and entry.address.version == vip.address.version
        if same and entry.address.ip not in held and (vip.address.is_link_local or not entry.address.is_link_local):
            yield entry.address.network


def _reserved(vip: Vip, network: IPv4Network | IPv6Network) -> bool:
    """The network's own address and the broadcast (RFC 1122, 3.2.1.3); RFC 3021 frees both in a /31."""
    ends = {network.network_address, network.broadcast_address}
    return network.version == 4 and network.num_addresses > 2 and vip.address in ends


def router_ids(view: View) -> Iterator[Finding]:
    """virtual_router_id is 1 to 255 (RFC 5798, 5.2.3) and names one virtual router per interface and family."""
    for i, vip in enumerate(view.vips):
        if not vip.virtual_router_id:
            what = f"the last byte of {vip.address} is 0, which is no virtual_router_id"
            yield Finding(
                vip_place(i, "virtual_router_id"), what, "write virtual_router_id: and a number from 1 to 255"
            )
    keys = (
        (vip_place(i, "virtual_router_id"), (vip.interface, vip.address.version, vip.virtual_router_id))
        for i, vip in enumerate(view.vips)
        if vip.virtual_router_id
    )
    for place, first in doubles(keys):
        vip, other = view.vips[int(place[1])], view.vips[int(first[1])]
        if vip.address == other.address:
            continue  # told as a VIP that stands twice
        what = f"{vip.virtual_router_id} is also that of {other.address} on the same interface"
        yield Finding(place, what, "write another number from 1 to 255 for one of them")


def preferred_node(view: View) -> Iterator[Finding]:
    """`prefer` names a node."""
    names = [node.name for node in view.nodes]
    for i, vip in enumerate(view.vips):
        if vip.prefer not in names:
            yield Finding(vip_place(i, "prefer"), f"no node is named {vip.prefer}", f"write {' or '.join(names)}")


def vip_family(view: View) -> Iterator[Finding]:
    """One VRRP instance speaks one family: a unicast peer has the family of the VIP. IPv6 came with VRRP version 3."""
    nodes = family(view.nodes[0].address)
    for i, vip in enumerate(view.vips):
        mine = family(vip.address)
        if view.file.vrrp.unicast and mine != nodes:
            what = f"{vip.address} is {mine}, and unicast adverts go between {nodes} nodes"
            hint = f"write vrrp.unicast: false, or {nodes} VIPs, or the nodes' {mine} addresses"
            yield Finding(vip_place(i), what, hint)
        if view.file.vrrp.version == 2 and vip.address.version == 6:
            yield Finding(vip_place(i), f"{vip.address} is IPv6, and VRRP version 2 has none", "write vrrp.version: 3")
