"""SYNs that came here for a VIP, and are sent on to the node that holds it now."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable

from halbd.model.config import Address
from halbd.system.bpf import attach

ETH_P = {4: 0x0800, 6: 0x86DD}
"""linux/if_ether.h. A socket for one protocol is not shown what leaves (packet(7))."""
MOST = 10_000
"""SYNs that are kept."""
LONGEST = 128
"""Octets of one: an IP header of 40 and a TCP header of 60 with all its options, and some room."""
DESTINATION = {4: slice(16, 20), 6: slice(24, 40)}
"""Where the address stands in the IP header (RFC 791, 3.1; RFC 8200, 3)."""
IPV6_HDRINCL = 36
"""ipv6(7), linux/in6.h."""

# Classic BPF (linux/filter.h), on what a SOCK_DGRAM socket is given: the packet from its IP header on.
_LD_B, _LD_B_X, _LDX_IHL, _AND, _JEQ, _RET = 0x30, 0x50, 0xB1, 0x54, 0x15, 0x06
_SYN, _SYN_ACK = 0x02, 0x12
_END = ((_AND, 0, 0, _SYN_ACK), (_JEQ, 1, 0, _SYN), (_RET, 0, 0, 0), (_RET, 0, 0, LONGEST))
_PROGRAMS = {
    4: ((_LD_B, 0, 0, 9), (_JEQ, 0, 4, socket.IPPROTO_TCP), (_LDX_IHL, 0, 0, 0), (_LD_B_X, 0, 0, 13), *_END),
    6: ((_LD_B, 0, 0, 6), (_JEQ, 0, 3, socket.IPPROTO_TCP), (_LD_B, 0, 0, 53), *_END),
}


class Syns:
    """Hears every SYN for these addresses from now on. Raises OSError."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._wanted = {one.packed: one for one in addresses}
        self._sockets: list[tuple[int, socket.socket]] = []
        self._kept: list[tuple[int, bytes, Address]] = []
        for version in {one.version for one in self._wanted.values()}:
            kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
            one = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P[version]))
            self._sockets.append((version, one))
            attach(one, _PROGRAMS[version])

    def send_on(self) -> int:
        """Send all that were ever heard to their address, by the route that it has now; how many they are.

        Raises:
            OSError: there is no such route, or a firewall is in the way.
        """
        for version, heard in self._sockets:
            self._keep(version, heard)
            with _raw(version) as raw:
                for packet, address in ((p, a) for v, p, a in self._kept if v == version):
                    raw.sendto(packet, (str(address), 0))
        return len(self._kept)

    def _keep(self, version: int, heard: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while len(self._kept) < MOST:
                packet = heard.recv(LONGEST)
                address = self._wanted.get(packet[DESTINATION[version]])
                if address is not None:
                    self._kept.append((version, _summed(packet, version), address))

    def elsewhere(self) -> bool:
        """Whether this machine would send to another one what it sends to these addresses.

        The kernel tells of an address that has left (RTM_DELADDR) a moment before it takes away the route to itself.
        """
        return not any(_is_here(one) for one in self._wanted.values())

    def close(self) -> None:
        """Hear no more."""
        for _, one in self._sockets:
            one.close()


def _is_here(address: Address) -> bool:
    with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as one:
        try:
            one.connect((str(address), 9))  # nothing is sent: only the route is looked up (udp(7))
        except OSError:
            return False
        return str(one.getsockname()[0]) == str(address)


def _raw(version: int) -> socket.socket:
    """A socket for whole packets, with the client's own address in them (raw(7))."""
    one = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if version == 6:
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return one


def _summed(packet: bytes, version: int) -> bytes:
    """The packet with its TCP checksum (RFC 9293, 3.1): what came from this very machine has none yet."""
    start = (packet[0] & 0xF) * 4 if version == 4 else 40
    addresses = packet[12:20] if version == 4 else packet[8:40]
    segment = packet[start : start + 16] + b"\0\0" + packet[start + 18 :]
    pseudo = addresses + struct.pack("!HH", socket.IPPROTO_TCP, len(segment))
    words = pseudo + segment + b"\0" * (len(segment) % 2)
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return packet[: start + 16] + struct.pack("!H", ~total & 0xFFFF) + packet[start + 18 :]
