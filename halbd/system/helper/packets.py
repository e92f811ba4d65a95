"""packet(7) and raw(7): sockets that hear one kind of packet and no other, or can only send. They take CAP_NET_RAW."""

from __future__ import annotations

import contextlib
import socket

from halbd.system.bpf import attach, lock

VRRP = 112
"""Its number as an IP protocol (RFC 9568, 5.1)."""
LONGEST_ADVERT = 2048
"""Octets of a packet that are given: an advert has at most 255 addresses, and ours has few."""
LONGEST_SYN = 128
"""Octets of one: an IP header of 40 and a TCP header of 60 with all its options, and some room."""

ETH_P_ALL = 0x0003
"""Only a socket for all protocols is shown what leaves (packet(7)); the filter lets VRRP alone through."""
ETH_P = {4: 0x0800, 6: 0x86DD}
"""linux/if_ether.h. A socket for one protocol is not shown what leaves."""
IPV6_HDRINCL = 36
"""ipv6(7), linux/in6.h."""

# Classic BPF (linux/filter.h), on what a SOCK_DGRAM socket is given: the packet from its IP header on. A frame with a
# VLAN tag belongs to the VLAN's own interface, where it is seen once more, without the tag.
_LD_B, _LD_B_X, _LDX_IHL, _LD_H, _AND, _JEQ, _RET = 0x30, 0x50, 0xB1, 0x28, 0x54, 0x15, 0x06
_AD = 0xFFFFF000
_ADVERTS = (
    (_LD_B, 0, 0, _AD + 48),  # SKF_AD_VLAN_TAG_PRESENT
    (_JEQ, 0, 7, 0),
    (_LD_H, 0, 0, _AD),  # SKF_AD_PROTOCOL
    (_JEQ, 0, 2, ETH_P[4]),
    (_LD_B, 0, 0, 9),  # IPv4: protocol (RFC 791, 3.1)
    (_JEQ, 4, 3, VRRP),
    (_JEQ, 0, 2, ETH_P[6]),
    (_LD_B, 0, 0, 6),  # IPv6: next header (RFC 8200, 3)
    (_JEQ, 1, 0, VRRP),
    (_RET, 0, 0, 0),
    (_RET, 0, 0, LONGEST_ADVERT),
)
_SYN, _SYN_ACK = 0x02, 0x12
_END = ((_AND, 0, 0, _SYN_ACK), (_JEQ, 1, 0, _SYN), (_RET, 0, 0, 0), (_RET, 0, 0, LONGEST_SYN))
_SYNS = {
    4: ((_LD_B, 0, 0, 9), (_JEQ, 0, 4, socket.IPPROTO_TCP), (_LDX_IHL, 0, 0, 0), (_LD_B_X, 0, 0, 13), *_END),
    6: ((_LD_B, 0, 0, 6), (_JEQ, 0, 3, socket.IPPROTO_TCP), (_LD_B, 0, 0, 53), *_END),
}


def adverts() -> socket.socket:
    """Hears the VRRP adverts of every interface, those that leave too. Raises OSError."""
    return _hears(ETH_P_ALL, _ADVERTS)


def syns(version: int) -> socket.socket:
    """Hears every SYN of this version of IP that comes. Raises OSError."""
    return _hears(ETH_P[version], _SYNS[version])


def sender(version: int) -> socket.socket:
    """Sends whole packets, with whatever source address is in them, and receives nothing (raw(7)). Raises OSError."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    one = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if version == 6:
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return one


def _hears(protocol: int, program: tuple[tuple[int, int, int, int], ...]) -> socket.socket:
    """Bound to no interface, so that one that is made anew is heard as well.

    Whoever has it cannot take the filter off, and is not given what came before that was on.
    """
    one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(protocol))
    try:
        attach(one, program)
        lock(one)
        with contextlib.suppress(BlockingIOError):
            while True:
                one.recv(1)
    except OSError:
        one.close()
        raise
    return one
