"""packet(7): the VRRP adverts that leave and reach this machine, seen before any firewall rule."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from halbd.model.adverts import Advert
from halbd.system import vrrp
from halbd.system.helper import ask
from halbd.system.helper.packets import LONGEST_ADVERT

SOL_PACKET = 263
PACKET_STATISTICS = 6
BUFFER = 262_144
"""Octets: over a thousand adverts between two looks."""
MOST = 5000
"""Packets that are read in one look: a flood of them must not hold up the loop."""


class Wire:
    """Hears the adverts of every interface here, also of one that is made anew.

    Raises:
        FailedError: the kernel refuses such a socket, which takes CAP_NET_RAW; or the helper does not answer.
    """

    def __init__(self) -> None:
        self._socket = ask.adverts()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)

    def heard(self) -> Iterator[tuple[Advert, str, bool]]:
        """Each advert since the last look, with its interface and whether this machine sent it. Raises OSError."""
        for _ in range(MOST):
            try:
                packet, (interface, _, kind, *_) = self._socket.recvfrom(LONGEST_ADVERT)
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
