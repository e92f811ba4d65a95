"""The file with its defaults filled in, as seen from one node: what the cross-field rules judge."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from halbd.model.config import Address, Check, Frontend, Node, Server, Timeouts, Vip
from halbd.model.host import Host
from halbd.parse.models import CheckSection, File, FrontendSection, ServerSection, VipSection

FIRST_PRIORITY = 254
"""High, so that VRRP's skew time is short (RFC 5798, 6.1); 255 belongs to the owner of an address."""


@dataclass(frozen=True, slots=True)
class View:
    """The file, the machine, and the values with their defaults.

    `me` is None where no node, or more than one, is this one. A VIP whose interface is not known has "", one without a
    usable virtual_router_id has 0: each is a rule's to tell.
    """

    file: File
    host: Host
    asked: str | None
    nodes: tuple[Node, ...]
    me: Node | None
    vips: tuple[Vip, ...]
    frontends: tuple[Frontend, ...]

    @property
    def at_home(self) -> bool:
        """Whether this machine carries the node's address, so that what it says of its interfaces counts."""
        return self.me is not None and self.me.address in carried(self.host)


def view(file: File, host: Host, asked: str | None) -> View:
    """Fill in the defaults; `asked` is the node's name where somebody gave one."""
    nodes = tuple(
        Node(node.name, node.address, node.priority or FIRST_PRIORITY - place) for place, node in enumerate(file.nodes)
    )
    mine = candidates(nodes, host, asked)
    me = mine[0] if len(mine) == 1 else None
    interface = _interface(me, host)
    vips = tuple(_vip(vip, interface, nodes[0].name) for vip in file.vips)
    return View(file, host, asked, nodes, me, vips, tuple(frontend(section, None) for section in file.frontends))


def candidates(nodes: tuple[Node, ...], host: Host, asked: str | None) -> tuple[Node, ...]:
    """The nodes that could be this one: by name where one was asked for, else by address."""
    if asked is not None:
        return tuple(node for node in nodes if node.name == asked)
    return tuple(node for node in nodes if node.address in carried(host))


def carried(host: Host) -> frozenset[Address]:
    """Every address of this machine."""
    return frozenset(entry.address.ip for entry in host.addresses)


def frontend(section: FrontendSection, ca: str | None) -> Frontend:
    """The frontend, with the certificates that its check trusts."""
    return Frontend(
        name=section.name,
        bind=None if section.bind == "*" else section.bind,
        port=section.port,
        mode=section.mode,
        balance=section.balance,
        max_connections=section.max_connections,
        timeouts=Timeouts(section.timeouts.connect, section.timeouts.client, section.timeouts.server),
        servers=tuple(_server(server) for server in section.servers),
        check=_check(section.check, ca),
    )


def _interface(me: Node | None, host: Host) -> str:
    return next((entry.interface for entry in host.addresses if me and entry.address.ip == me.address), "")


def _vip(section: VipSection, interface: str, first: str) -> Vip:
    address = ipaddress.ip_address(section.address.ip)
    return Vip(
        address=address,
        prefix_length=section.address.network.prefixlen,
        interface=section.interface or interface,
        virtual_router_id=section.virtual_router_id or address.packed[-1],
        prefer=section.prefer or first,
    )


def _server(section: ServerSection) -> Server:
    name = section.name or f"{section.address}:{section.port}"
    return Server(name, section.address, section.port, section.weight, section.backup)


def _check(section: CheckSection, ca: str | None) -> Check:
    return Check(
        scheme=section.scheme,
        path=section.path,
        expect=section.expect,
        ca=ca,
        server_name=section.server_name,
        interval=section.interval,
        timeout=section.timeout,
        rise=section.rise,
        fall=section.fall,
    )
