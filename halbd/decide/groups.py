"""VIP groups and their VRRP instances: who speaks for which addresses, and with what priority."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from halbd.model.config import Address, Config, Node, Vip


@dataclass(frozen=True, slots=True)
class Instance:
    """One vrrp_instance of this node: the VIPs of one group, one address family and one interface.

    `priority` is this node's in the group. `peers` are the addresses that adverts are sent to; empty for multicast.
    """

    name: str
    group: str
    family: int
    interface: str
    virtual_router_id: int
    priority: int
    peers: tuple[Address, ...]
    vips: tuple[Vip, ...]


@lru_cache
def groups(config: Config) -> tuple[str, ...]:
    """The VIP groups: the distinct `prefer` values, in order of first appearance. VIPs of one group move together."""
    return tuple(dict.fromkeys(vip.prefer for vip in config.vips))


def weight(config: Config) -> int:
    """The step by which a node that sees no server lowers its priority: once as the holder, twice as a standby.

    It is one more than the span of the priorities. So every node that sees a server outranks every node that sees
    none, and a holder that sees none outranks every standby that sees none: a move between two blind nodes cures
    nothing and resets every connection.
    """
    priorities = [node.priority for node in config.nodes]
    return max(priorities) - min(priorities) + 1


@lru_cache
def lowers(config: Config) -> bool:
    """Whether a lowered priority moves a VIP: not between peers that do not preempt, nor where it becomes a FAULT.

    keepalived puts an instance into FAULT when a weight takes its whole priority; the parser sees to it that
    `on_no_servers: lower_priority` is never written together with either.
    """
    lowest = min(node.priority for node in config.nodes)
    return config.vrrp.preempt and lowest > 2 * weight(config)


def priorities(config: Config, group: str) -> dict[str, int]:
    """Every node's priority in that group, by node name: the preferred node gets the highest one.

    The others follow in the order of their own priorities, so the numbers of the file are dealt out anew and stay
    distinct.
    """
    order = sorted(config.nodes, key=lambda node: (node.name != group, -node.priority))
    numbers = sorted((node.priority for node in config.nodes), reverse=True)
    return {node.name: number for node, number in zip(order, numbers, strict=True)}


def instances(config: Config) -> tuple[Instance, ...]:
    """The instances of this node, ordered by group, then by the first VIP of each.

    One virtual router speaks for one address family (RFC 5798, 5.2.9), on one interface; its virtual_router_id is
    that of its first VIP.
    """
    keys = dict.fromkeys(_key(vip) for group in groups(config) for vip in config.vips if vip.prefer == group)
    return tuple(_instance(config, *key) for key in keys)


def _key(vip: Vip) -> tuple[str, int, str]:
    return vip.prefer, vip.address.version, vip.interface


def _instance(config: Config, group: str, family: int, interface: str) -> Instance:
    vips = tuple(vip for vip in config.vips if _key(vip) == (group, family, interface))
    return Instance(
        name=f"{group}_{interface}_ipv{family}",
        group=group,
        family=family,
        interface=interface,
        virtual_router_id=vips[0].virtual_router_id,
        priority=priorities(config, group)[config.node.name],
        peers=tuple(node.address for node in _others(config) if node.address.version == family),
        vips=vips,
    )


def _others(config: Config) -> tuple[Node, ...]:
    return tuple(node for node in config.nodes if config.vrrp.unicast and node.name != config.node.name)
