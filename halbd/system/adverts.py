"""packet(7): the VRRP adverts that leave and reach this machine, seen before any firewall rule."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from halbd.model.adverts import Advert
from halbd.model.errors import FailedError
from halbd.system import vrrp
from halbd.system.bpf import attach

ETH_P_ALL = 0x0003
"""Only a socket for all protocols is shown what leaves (packet(7)); the filter lets VRRP alone through."""
SOL_PACKET = 263
PACKET_STATISTICS = 6
BUFFER = 262_144
"""Octets: over a thousand adverts between two looks."""
LONGEST = 2048
"""Octets of a packet that are read: an advert has at most 255 addresses, and ours has few."""
MOST = 5000
"""Packets that are read in one look: a flood of them must not hold up the loop."""

# Classic BPF (linux/filter.h), on what a SOCK_DGRAM socket is given: the packet from its IP header on. A frame with a
# VLAN tag belongs to the VLAN's own interface, where it is seen once more, without the tag.
_LD_B, _LD_H, _JEQ, _RET = 0x30, 0x28, 0x15, 0x06
_AD = 0xFFFFF000
_PROGRAM = (
    (_LD_B, 0, 0, _AD + 48),  # SKF_AD_VLAN_TAG_PRESENT
    (_JEQ, 0, 7, 0),
    (_LD_H, 0, 0, _AD),  # SKF_AD_PROTOCOL
    (_JEQ, 0, 2, 0x0800),
    (_LD_B, 0, 0, 9),  # IPv4: protocol (RFC 791, 3.1)
    (_JEQ, 4, 3, vrrp.PROTOCOL),
    (_JEQ, 0, 2, 0x86DD),
    (_LD_B, 0, 0, 6),  # IPv6: next header (RFC 8200, 3)
    (_JEQ, 1, 0, vrrp.PROTOCOL),
    (_RET, 0, 0, 0),
    (_RET, 0, 0, LONGEST),
)


class Wire:
    """Hears the adverts of every interface here; bound to none, so one that is made anew is heard as well.

    Raises:
        FailedError: the kernel refuses such a socket: it takes CAP_NET_RAW (capabilities(7)).
    """

    def __init__(self) -> None:
        try:
            kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_ALL))
        except OSError as error:
            raise FailedError(f"cannot listen to VRRP adverts: {error.strerror}") from error
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        attach(self._socket, _PROGRAM)
        self.forget()

    def heard(self) -> Iterator[tuple[Advert, str, bool]]:
        """Each advert since the last look, with its interface and whether this machine sent it. Raises OSError."""
        for _ in range(MOST):
            try:
                packet, (interface, _, kind, *_) = self._socket.recvfrom(LONGEST)
            except BlockingIOError:
                return
            advert = vrrp.parse(packet)
            if advert is not None:
                yield advert, interface, kind == socket.PACKET_OUTGOING

    def forget(self) -> None:
        """Throw away all that is waiting: nobody knows how old it is. Raises OSError."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(MOST):
                self._socket.recv(1)

    def lost(self) -> bool:
        """Whether something was dropped since the last question, for want of room (PACKET_STATISTICS, packet(7))."""
        _, drops = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return bool(drops)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
