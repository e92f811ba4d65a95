"""A bare TCP segment from an address that this machine has lost, so that the peer asks whoever has it now.

A segment with a sequence number outside the window must be answered by an acknowledgement (RFC 9293, 3.10.7.4). That
goes to the new holder of the address, which knows no such connection and answers it with a reset, whose sequence number
is taken from it (3.10.7.1), so the peer believes it. A made-up reset would not do: the peer would only ask back
(RFC 5961, 3.2).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from contextlib import ExitStack

from halbd.model.errors import HalbdError
from halbd.model.flow import Flow
from halbd.system.helper import ask

SEQUENCE_NUMBERS = (0, 1 << 31)
"""A window is at most 2^30 wide (RFC 7323, 2.3), so one of the two is outside of it.

And one of the two looks old: conntrack at the client lets that pass since Linux 6.1; what looks new is invalid to it.
"""
ACK = 0x10
TTL = 64


def poke(flows: Iterable[Flow]) -> None:
    """Send them, from `local` to `remote`. Raises HalbdError."""
    with ExitStack() as stack:
        senders: dict[int, socket.socket] = {}
        for flow in flows:
            version = flow.local.version
            if version not in senders:
                senders[version] = stack.enter_context(ask.sender(version, ask.LATER))
            try:
                for number in SEQUENCE_NUMBERS:
                    senders[version].sendto(packet(flow, number), (str(flow.remote), 0))
            except OSError as error:
                raise HalbdError(f"cannot send to {flow.remote} from {flow.local}: {error.strerror}") from error


def packet(flow: Flow, sequence_number: int) -> bytes:
    """An IP packet with an acknowledgement of nothing. The kernel fills in an IPv4 header's checksum (raw(7))."""
    segment = _segment(flow, sequence_number)
    ends = flow.local.packed + flow.remote.packed
    if flow.local.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, TTL, socket.IPPROTO_TCP, 0)
    else:
        head = struct.pack("!IHBB", 6 << 28, len(segment), socket.IPPROTO_TCP, TTL)
    return head + ends + segment


def _segment(flow: Flow, number: int) -> bytes:
    """Twenty octets; the checksum covers both addresses, the protocol and the length (RFC 9293, 3.1; RFC 8200, 8.1)."""
    ports = struct.pack("!HH", flow.local_port, flow.remote_port)
    blank = ports + struct.pack("!IIBBHHH", number, 0, 5 << 4, ACK, 0, 0, 0)
    pseudo = flow.local.packed + flow.remote.packed + struct.pack("!II", len(blank), socket.IPPROTO_TCP)
    return blank[:16] + struct.pack("!H", checksum(pseudo + blank)) + blank[18:]


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of octets."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
