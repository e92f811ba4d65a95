"""SYNs that came here for a VIP, and are sent on to the node that holds it now."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable

from halbd.model.config import Address
from halbd.system.helper import ask
from halbd.system.helper.packets import LONGEST_SYN

MOST = 10_000
"""SYNs that are kept."""
DESTINATION = {4: slice(16, 20), 6: slice(24, 40)}
"""Where the address stands in the IP header (RFC 791, 3.1; RFC 8200, 3)."""


class Syns:
    """Hears every SYN for these addresses from now on. Raises FailedError."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._wanted = {one.packed: one for one in addresses}
        self._sockets: list[tuple[int, socket.socket, socket.socket]] = []
        self._kept: list[tuple[int, bytes, Address]] = []
        for version in {one.version for one in self._wanted.values()}:
            self._sockets.append((version, ask.syns(version), ask.sender(version)))

    def send_on(self) -> int:
        """Send all that were ever heard to their address, by the route that it has now; how many they are.

        Raises:
            OSError: there is no such route, or a firewall is in the way.
        """
        for version, heard, raw in self._sockets:
            self._keep(version, heard)
            for packet, address in ((p, a) for v, p, a in self._kept if v == version):
                raw.sendto(packet, (str(address), 0))
        return len(self._kept)

    def _keep(self, version: int, heard: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while len(self._kept) < MOST:
                packet = heard.recv(LONGEST_SYN)
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
        for _, heard, raw in self._sockets:
            heard.close()
            raw.close()


def _is_here(address: Address) -> bool:
    with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as one:
        try:
            one.connect((str(address), 9))  # nothing is sent: only the route is looked up (udp(7))
        except OSError:
            return False
        return str(one.getsockname()[0]) == str(address)


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
