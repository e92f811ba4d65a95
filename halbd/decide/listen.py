"""Where this node's own probe reaches a frontend."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from halbd.model.config import Address, Config, Frontend

LOW_PORTS = 1024
"""Ports below need CAP_NET_BIND_SERVICE (capabilities(7))."""
_LOOPBACK = IPv4Address("127.0.0.1")


def sockets(config: Config) -> tuple[tuple[Address, int], ...]:
    """Every address and port that the proxy listens on, the ones for this node's own probes included."""
    return tuple(dict.fromkeys(one for frontend in config.frontends for one in sockets_of(config, frontend)))


def sockets_of(config: Config, frontend: Frontend) -> tuple[tuple[Address, int], ...]:
    """Those of one frontend."""
    if frontend.bind is None:
        return ((all_addresses(config), frontend.port),)
    return tuple((one, frontend.port) for one in dict.fromkeys((frontend.bind, local_address(config, frontend))))


def has_low_ports(config: Config) -> bool:
    """Whether the proxy must be started with a capability to listen."""
    return any(frontend.port < LOW_PORTS for frontend in config.frontends)


def all_addresses(config: Config) -> Address:
    """What `bind: "*"` means: IPv6 only where the cluster uses it, so that a kernel without it starts too."""
    addresses = [*(node.address for node in config.nodes), *(vip.address for vip in config.vips)]
    return (
        IPv6Address("::") if any(address.version == 6 for address in addresses) else IPv4Address("0.0.0.0")
    )  # "*" is the operator's word


def overlap(ours: Address, theirs: Address) -> bool:
    """Two sockets on one port are in each other's way (ip(7), ipv6(7): :: takes IPv4 connections as well)."""
    if ours == theirs:
        return True
    wide = [one for one in (ours, theirs) if one.is_unspecified]
    return any(one.version == 6 for one in wide) or (bool(wide) and ours.version == theirs.version)


def local_address(config: Config, frontend: Frontend) -> Address:
    """The address at which this node asks its own proxy for that frontend.

    Loopback, also where the frontend is bound to a VIP: a standby cannot reach its own proxy through an address that
    another node holds. Where several frontends share a port (one VIP each), the second gets 127.0.0.2 and so on: the
    whole of 127.0.0.0/8 is this host (RFC 1122, 3.2.1.3). An address of this node's own is asked directly.
    """
    if frontend.bind is not None and all(frontend.bind != vip.address for vip in config.vips):
        return frontend.bind
    index = [other.name for other in config.frontends if other.port == frontend.port].index(frontend.name)
    if index == 0 and (frontend.bind or config.node.address).version == 6:
        return IPv6Address("::1")
    return _LOOPBACK + index
