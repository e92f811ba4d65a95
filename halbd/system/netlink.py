"""rtnetlink(7): the addresses that arrive on and leave this machine's interfaces."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

from pyroute2 import AsyncIPRoute

from halbd.model.config import Address
from halbd.model.events import AddressChanged, AddressesDumped

IPV4_IFADDR = 0x10
"""RTMGRP_IPV4_IFADDR."""
IPV6_IFADDR = 0x100
"""RTMGRP_IPV6_IFADDR."""
REOPEN_DELAY = 1.0
"""Seconds between two tries when the kernel refuses a netlink socket."""


async def watch() -> AsyncIterator[AddressChanged | AddressesDumped]:
    """Yield a dump, then every change. After an overrun: a new socket, a new dump, and on.

    The events have a socket of their own, since replies to a request on it could swallow one. It is bound before the
    dump is asked for, so nothing falls between the two.
    """
    why = "found when halbd started"
    while True:
        try:
            async for event in _session(why):
                yield event
        except OSError as error:
            # ENOBUFS (netlink(7)): messages were dropped and this socket will not send them again.
            why = "found after a netlink overrun"
            if error.errno != errno.ENOBUFS:
                await asyncio.sleep(REOPEN_DELAY)


async def _session(why: str) -> AsyncIterator[AddressChanged | AddressesDumped]:
    async with AsyncIPRoute() as events:
        await events.bind(groups=IPV4_IFADDR | IPV6_IFADDR)
        names, present = await _dump()
        yield AddressesDumped(present, why)
        while True:
            async for message in events.get():
                if message["event"] not in ("RTM_NEWADDR", "RTM_DELADDR"):
                    continue
                if message["index"] not in names:
                    names, _ = await _dump()
                interface = names.get(message["index"], f"if{message['index']}")
                yield AddressChanged(_address(message), interface, message["event"] == "RTM_NEWADDR")


async def _dump() -> tuple[dict[int, str], frozenset[tuple[Address, str]]]:
    async with AsyncIPRoute() as asking:
        names = {link["index"]: str(link.get_attr("IFLA_IFNAME")) async for link in await asking.get_links()}
        present = [(_address(m), names.get(m["index"], "")) async for m in await asking.get_addr()]
    return names, frozenset(present)


def _address(message: Any) -> Address:
    """IFA_LOCAL where there is one (IPv4), else IFA_ADDRESS (IPv6)."""
    return ip_address(message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"))
