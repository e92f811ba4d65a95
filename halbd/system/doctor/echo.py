"""Are they there? One ICMP echo request each (RFC 792, RFC 4443), then what the neighbour table has learned by it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence

from halbd.model.config import Address
from halbd.model.facts import Answer
from halbd.system import netlink

DEADLINE = 1.0
"""Seconds for all answers together."""
ECHO = {4: (8, 0), 6: (128, 129)}
"""The types of request and reply."""


def ask(targets: Sequence[Address]) -> dict[Address, Answer]:
    """What is known of each; one of which nothing is known is left out.

    Raises:
        OSError: no such socket without CAP_NET_RAW (capabilities(7)).
    """
    number = os.getpid() & 0xFFFF
    with contextlib.ExitStack() as stack:
        lines = {version: stack.enter_context(_line(version)) for version in {one.version for one in targets}}
        for target in targets:
            with contextlib.suppress(OSError):  # no route, or not let out: no answer
                lines[target.version].sendto(_request(target.version, number), (str(target), 0))
        there = _answers(list(lines.values()), number, {str(one): one for one in targets})
    learned = asyncio.run(netlink.neighbours())
    found = dict.fromkeys(there, Answer.ECHO)
    for target in set(targets) - there:
        fresh = learned.get(target, False)
        if fresh is not None:
            found[target] = Answer.NEIGHBOUR if fresh else Answer.SILENT
    return found


def _line(version: int) -> socket.socket:
    if version == 4:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)


def _request(version: int, number: int) -> bytes:
    """The kernel fills in the checksum of ICMPv6 (RFC 3542, 3.1), and not that of ICMP."""
    kind = ECHO[version][0]
    if version == 6:
        return struct.pack("!BBHHH", kind, 0, 0, number, 1)
    total = (kind << 8) + number + 1
    return struct.pack("!BBHHH", kind, 0, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF, number, 1)


def _answers(lines: list[socket.socket], number: int, wanted: dict[str, Address]) -> set[Address]:
    found: set[Address] = set()
    end = time.monotonic() + DEADLINE
    while len(found) < len(wanted) and (left := end - time.monotonic()) > 0:
        for line in select.select(lines, [], [], left)[0]:
            found.update(wanted[source] for source in _reply(line, number) if source in wanted)
    return found


def _reply(line: socket.socket, number: int) -> Iterator[str]:
    """The sender of a reply to us; a raw IPv4 socket is given the IP header as well (raw(7))."""
    packet, (source, *_) = line.recvfrom(512)
    version = 4 if line.family == socket.AF_INET else 6
    body = packet[(packet[0] & 0xF) * 4 :] if version == 4 else packet
    if len(body) >= 8 and body[0] == ECHO[version][1] and int.from_bytes(body[4:6], "big") == number:
        yield source
