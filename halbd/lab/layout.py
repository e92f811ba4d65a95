"""Which machine of the lab carries which address on which interface. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_interface, ip_network

from halbd.lab.document import Sketch
from halbd.model.config import Address

Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

DEFAULT_INTERFACE = "eth0"


@dataclass(frozen=True, slots=True)
class Link:
    """One interface of a machine; `routes` are lab addresses outside its networks, reached without a gateway."""

    interface: str
    addresses: tuple[Interface, ...]
    routes: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """One network namespace, by the name that reports use."""

    name: str
    links: tuple[Link, ...]

    @property
    def address(self) -> Address:
        """The address it is known by."""
        return self.links[0].addresses[0].ip


def near(address: Address) -> Network:
    """The /24 or /64 that `address` lies in: what a control plane's network usually is."""
    return ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False)


def covering(addresses: Iterable[Address]) -> Network:
    """The smallest network of at most /24 or /64 that holds all `addresses` (of one family)."""
    first, *rest = addresses
    network = near(first)
    while not all(address in network for address in rest):
        network = network.supernet()
    return network


def spare(network: Network, taken: Iterable[Address]) -> Iterator[Address]:
    """Host addresses of `network` that are not `taken`, from its high end down."""
    used = set(taken)
    for offset in range(network.num_addresses - 2, 0, -1):
        address = network.network_address + offset
        if address not in used:
            yield address


def main_interface(sketch: Sketch) -> str:
    """The interface that carries the nodes' own addresses: a VIP's, when that VIP is on the nodes' network."""
    home = near(sketch.nodes[0][1])
    named = [interface for address, interface in sketch.vips if interface and address in home]
    if named:
        return named[0]
    return DEFAULT_INTERFACE if any(interface is None for _, interface in sketch.vips) else str(sketch.vips[0][1])


def networks(sketch: Sketch) -> tuple[tuple[str, Network], ...]:
    """Each interface of a node with each network on it, the nodes' own first."""
    main = main_interface(sketch)
    groups: dict[tuple[str, int], list[Address]] = {}
    for _, address in sketch.nodes:
        groups.setdefault((main, address.version), []).append(address)
    for address, interface in sketch.vips:
        groups.setdefault((interface or main, address.version), []).append(address)
    return tuple((interface, covering(addresses)) for (interface, _), addresses in groups.items())


def nodes(sketch: Sketch) -> tuple[Machine, ...]:
    """The nodes with their own address, and a spare one in every other network that a VIP of theirs is on."""
    taken = {address for _, address in sketch.nodes} | {address for address, _ in sketch.vips}
    spares = {network: spare(network, taken) for _, network in networks(sketch)}
    return tuple(_node(name, address, sketch, spares) for name, address in sketch.nodes)


def _node(name: str, own: Address, sketch: Sketch, spares: dict[Network, Iterator[Address]]) -> Machine:
    links: dict[str, list[Interface]] = {}
    for interface, network in networks(sketch):
        address = own if own in network and interface == main_interface(sketch) else next(spares[network])
        links.setdefault(interface, []).append(ip_interface(f"{address}/{network.prefixlen}"))
    return Machine(name, tuple(Link(interface, tuple(addresses)) for interface, addresses in links.items()))


def unique(name: str, taken: Iterable[str]) -> str:
    """`name`, or a longer one where a node has it already."""
    return unique(f"{name}_", taken) if name in set(taken) else name


def single(name: str, addresses: Iterable[Address], homes: Iterable[Network]) -> Machine:
    """A machine of the lab's own: one interface, each address with the prefix of the network it lies in, else alone."""
    return Machine(name, (Link(DEFAULT_INTERFACE, tuple(_with_prefix(address, homes) for address in addresses)),))


def _with_prefix(address: Address, homes: Iterable[Network]) -> Interface:
    prefix = next((home.prefixlen for home in homes if address in home), address.max_prefixlen)
    return ip_interface(f"{address}/{prefix}")


def routed(machines: Iterable[Machine], others: Iterable[Address]) -> tuple[Machine, ...]:
    """The machines with a route on their first link to every lab address that none of their networks holds."""
    everybody = tuple(machines)
    known = {a.ip for machine in everybody for link in machine.links for a in link.addresses} | set(others)
    return tuple(_routed(machine, known) for machine in everybody)


def _routed(machine: Machine, known: set[Address]) -> Machine:
    own = [address for link in machine.links for address in link.addresses]
    families = {address.version for address in own}
    away = [a for a in known if a.version in families and not any(a in address.network for address in own)]
    first, *rest = machine.links
    ordered = tuple(sorted(away, key=lambda a: (a.version, int(a))))
    return replace(machine, links=(replace(first, routes=ordered), *rest))


def families(addresses: Iterable[Address]) -> tuple[int, ...]:
    """The IP versions among `addresses`, 4 before 6."""
    return tuple(sorted({4 if isinstance(address, IPv4Address) else 6 for address in addresses}))
