"""rtnetlink(7): the addresses that arrive on and leave this machine's interfaces."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from ipaddress import ip_address
from typing import Any

from pyroute2 import AsyncIPRoute, NetlinkError

from halbd.model.config import Address, Vip
from halbd.model.errors import FailedError
from halbd.model.events import AddressChanged, AddressesDumped
from halbd.system import narrow
from halbd.system.bpf import attach

LINK = 0x1
"""RTMGRP_LINK: an interface that is renamed, goes down or goes away."""
IPV4_IFADDR = 0x10
"""RTMGRP_IPV4_IFADDR."""
IPV6_IFADDR = 0x100
"""RTMGRP_IPV6_IFADDR."""
IFF_RUNNING = 0x40
"""The interface is up and has a carrier (netdevice(7))."""
IFA_F_NODAD = 0x02
"""No duplicate address detection (linux/if_addr.h): keepalived asks for none either."""
NLM_F_DUMP_INTR = 0x10
"""The kernel's mark of a dump that changed under way, and may lack something (linux/netlink.h)."""
NUD_CONFIRMED = 0x02 | 0x40 | 0x80
"""NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT (linux/neighbour.h)."""
NUD_OLD = 0x04 | 0x08 | 0x10
"""NUD_STALE, NUD_DELAY, NUD_PROBE."""
DUMPS = 10
"""How often a dump is asked for again because of that."""
SO_RCVBUFFORCE = 33
"""socket(7): beyond the machine's limit, with CAP_NET_ADMIN."""
BUFFER = 1 << 20
"""Octets that the kernel may keep for us, which it doubles: over a thousand messages."""
REOPEN_DELAY = 1.0
"""Seconds between two tries when the kernel refuses a netlink socket."""


async def watch(
    why: str = "found when halbd started", only: Collection[Address] | None = None
) -> AsyncGenerator[AddressChanged | AddressesDumped, None]:
    """Yield a dump, made because of `why`, then every change. After an overrun: a new socket, a new dump, and on.

    With `only` these addresses alone: the kernel does not even queue the changes of others, so that a burst of them
    costs no change of these, which a dump afterwards could not tell where an address came and went.

    The events have a socket of their own, since replies to a request on it could swallow one. It is bound before the
    dump is asked for, so nothing falls between the two.
    """
    while True:
        try:
            async for event in _session(why, only):
                yield event
        except (OSError, NetlinkError) as error:
            # ENOBUFS (netlink(7)): messages were dropped and this socket will not send them again.
            why = "found after a netlink overrun"
            if not isinstance(error, OSError) or error.errno != errno.ENOBUFS:
                why = f"found after netlink failed: {error}"
                await asyncio.sleep(REOPEN_DELAY)


async def _session(why: str, only: Collection[Address] | None) -> AsyncIterator[AddressChanged | AddressesDumped]:
    async with AsyncIPRoute() as events:
        await events.bind(groups=LINK | IPV4_IFADDR | IPV6_IFADDR)
        _make_room(events, only)
        names, present = await _dump()
        yield AddressesDumped(present, why)
        down: set[int] = set()
        while True:
            async for message in events.get():
                if message["event"] in ("RTM_NEWLINK", "RTM_DELLINK"):
                    names[message["index"]] = str(message.get_attr("IFLA_IFNAME"))
                    runs = message["event"] == "RTM_NEWLINK" and message["flags"] & IFF_RUNNING
                    (down.discard if runs else down.add)(message["index"])
                if message["event"] not in ("RTM_NEWADDR", "RTM_DELADDR"):
                    continue
                if message["index"] not in names:
                    names, _ = await _dump()
                interface = names.get(message["index"], f"if{message['index']}")
                present = message["event"] == "RTM_NEWADDR"
                up = present or message["index"] not in down
                yield AddressChanged(_address(message), interface, present, up, message["header"]["pid"])


def _make_room(events: AsyncIPRoute, only: Collection[Address] | None) -> None:
    """What cannot be had is done without: an overrun is noticed, and mended by a dump."""
    with contextlib.suppress(OSError):
        events.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    program = narrow.only_addresses(only) if only is not None else ()
    if 0 < len(program) <= narrow.LONGEST:
        with contextlib.suppress(OSError):
            attach(events, program)


async def remove(address: Address, interface: str) -> None:
    """Take an address off an interface, with whatever prefix length it has there; it may be gone already.

    Removing a primary address takes its secondaries along, unless promote_secondaries is set (ip-sysctl): those are
    put back.

    Raises:
        FailedError: the kernel refuses.
    """
    try:
        async with AsyncIPRoute() as asking:
            before = await _on(asking, interface)
            for one in [one for one in before if _address(one) == address]:
                await asking.addr("del", index=one["index"], address=str(address), prefixlen=one["prefixlen"])
            left = {_key(one) for one in await _on(asking, interface)}
            for one in before:
                if _address(one) != address and _key(one) not in left and one["family"] == socket.AF_INET:
                    await asking.addr("add", index=one["index"], address=str(_address(one)), prefixlen=one["prefixlen"])
    except (OSError, NetlinkError) as error:
        raise FailedError(f"cannot remove {address} from {interface}: {error}") from error


async def restore(vip: Vip) -> None:
    """Put a VIP on its interface as keepalived does; it may be there already.

    Raises:
        FailedError: the kernel refuses.
    """
    flags = {"flags": IFA_F_NODAD} if vip.address.version == 6 else {}
    try:
        async with AsyncIPRoute() as asking:
            (index, *_) = await asking.link_lookup(ifname=vip.interface) or (0,)
            await asking.addr("replace", index=index, address=str(vip.address), prefixlen=vip.prefix_length, **flags)
    except (OSError, NetlinkError) as error:
        raise FailedError(f"cannot put {vip} on {vip.interface}: {error}") from error


async def neighbours() -> dict[Address, bool | None]:
    """Each neighbour: whether its link address was confirmed just now; None: known from before (arp(7)).

    Raises:
        FailedError: the kernel refuses.
    """
    try:
        async with AsyncIPRoute() as asking:
            found = [one async for one in await asking.get_neighbours()]
    except (OSError, NetlinkError) as error:
        raise FailedError(f"cannot read the neighbour table: {error}") from error
    states = {ip_address(one.get_attr("NDA_DST")): one["state"] for one in found if one.get_attr("NDA_DST")}
    return {at: bool(state & NUD_CONFIRMED) or (None if state & NUD_OLD else False) for at, state in states.items()}


async def _on(asking: AsyncIPRoute, interface: str) -> list[Any]:
    """The addresses of the interface."""
    (index, *_) = await asking.link_lookup(ifname=interface) or (0,)
    return [one async for one in await asking.get_addr(index=index)] if index else []


def _key(message: Any) -> tuple[Address, int]:
    return _address(message), message["prefixlen"]


async def _dump() -> tuple[dict[int, str], frozenset[tuple[Address, str]]]:
    async with AsyncIPRoute() as asking:
        for _ in range(DUMPS):
            links = [link async for link in await asking.get_links()]
            found = [message async for message in await asking.get_addr()]
            if not any(one["header"]["flags"] & NLM_F_DUMP_INTR for one in (*links, *found)):
                break
    names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) for link in links}
    return names, frozenset((_address(one), names.get(one["index"], "")) for one in found)


def _address(message: Any) -> Address:
    """IFA_LOCAL where there is one (IPv4), else IFA_ADDRESS (IPv6)."""
    return ip_address(message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"))
