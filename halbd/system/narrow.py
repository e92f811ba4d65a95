"""What of rtnetlink's news a socket is to have at all: the kernel asks a small program (linux/filter.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Iterator

from halbd.model.config import Address
from halbd.system.bpf import Instruction

LONGEST = 4096
"""Instructions of a program at the most (BPF_MAXINSNS)."""
LD_B, LD_H, LD_W, JA, JEQ, RET = 0x30, 0x28, 0x20, 0x05, 0x15, 0x06
WHOLE = 0xFFFFFFFF

_NEWADDR, _DELADDR = 20, 21
_IFA_ADDRESS, _IFA_LOCAL = 1, 2


def only_addresses(addresses: Collection[Address]) -> tuple[Instruction, ...]:
    """For rtnetlink: of the messages about addresses those about these; all others, and any of another shape.

    A message is struct nlmsghdr (16 octets), struct ifaddrmsg (8), then attributes (rtnetlink(7)): for IPv4
    IFA_ADDRESS and IFA_LOCAL, for IPv6 IFA_ADDRESS alone, where there is no peer.
    """
    four = [one for one in addresses if one.version == 4]
    six = [one for one in addresses if one.version == 6]
    local = [(LD_H, 0, 0, 26), (JEQ, 1, 0, _host(_IFA_ADDRESS)), (RET, 0, 0, WHOLE)]
    local += [(LD_H, 0, 0, 34), (JEQ, 1, 0, _host(_IFA_LOCAL)), (RET, 0, 0, WHOLE)]
    for_four = [*local, *(part for one in four for part in _same(36, one)), (RET, 0, 0, 0)]
    for_six = [*local[:3], *(part for one in six for part in _same(28, one)), (RET, 0, 0, 0)]
    return (
        (LD_H, 0, 0, 4),  # nlmsg_type
        (JEQ, 2, 0, _host(_NEWADDR)),
        (JEQ, 1, 0, _host(_DELADDR)),
        (RET, 0, 0, WHOLE),
        (LD_B, 0, 0, 16),  # ifa_family
        (JEQ, 3, 0, socket.AF_INET),
        (JEQ, 1, 0, socket.AF_INET6),
        (RET, 0, 0, WHOLE),
        (JA, 0, 0, len(for_four)),
        *for_four,
        *for_six,
    )


def _same(offset: int, address: Address) -> Iterator[Instruction]:
    """Let it through where the address stands there."""
    words = struct.unpack(f">{len(address.packed) // 4}I", address.packed)
    for i, word in enumerate(words):
        yield (LD_W, 0, 0, offset + 4 * i)
        yield (JEQ, 0, 2 * (len(words) - i) - 1, word)
    yield (RET, 0, 0, WHOLE)


def _host(number: int) -> int:
    """As a program sees a number in host order, that loads in network order."""
    return int.from_bytes(struct.pack("=H", number), "big")
