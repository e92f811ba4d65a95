"""The proxy's listening sockets, for a moment deaf to new connections from outside, which then go to the next holder.

While a VIP changes nodes, a connection that was begun here a moment before gets a reset from the other node. So new
ones wait: a filter on the listening sockets drops the SYN, which the client would send again after a second (RFC 6298,
2.1). It need not wait for so long: the SYN was heard, and is sent on as soon as the VIP has moved.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection, Iterable

from halbd.model.config import Address
from halbd.model.errors import FailedError
from halbd.system import sock_diag
from halbd.system.bpf import attach, detach
from halbd.system.helper import ask
from halbd.system.process import pids, session
from halbd.system.syns import Syns

# A filter on a TCP socket sees the packet from its TCP header on: octet 13 has the flags.
_LD_W, _LD_B, _AND, _JEQ, _RET = 0x20, 0x30, 0x54, 0x15, 0x06
_INTERFACE = 0xFFFFF000 + 8  # SKF_AD_IFINDEX
_SHUT = (
    (_LD_W, 0, 0, _INTERFACE),
    (_JEQ, 3, 0, 1),  # the loopback is always 1: halbd's own probes come through it
    (_LD_B, 0, 0, 13),
    (_AND, 0, 0, 0x12),
    (_JEQ, 1, 0, 0x02),  # SYN without ACK
    (_RET, 0, 0, 0xFFFFFFFF),
    (_RET, 0, 0, 0),
)


class Door:
    """Shut from now on, for what the processes of a session (setsid(2)) listen on. Raises HalbdError, OSError."""

    def __init__(self, leader: int, ports: Collection[int], addresses: Iterable[Address]) -> None:
        self._syns = Syns(addresses)
        self._sockets: list[socket.socket] = []
        try:
            for one in listeners(leader, ports):
                self._sockets.append(one)
                attach(one, _SHUT)
        except BaseException:
            self.open()
            self.close()
            raise

    def open(self) -> None:
        """Let everybody in again, and let go of the sockets: held for longer they would outlive the proxy."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                detach(one)
            one.close()
        self._sockets.clear()

    def has_moved(self) -> bool:
        """Whether there is another place to send them to."""
        return self._syns.elsewhere()

    def send_on(self) -> int:
        """Send those who have waited to where the VIPs are now; how many they were. Raises OSError."""
        return self._syns.send_on()

    def close(self) -> None:
        """Those who still wait try again by themselves."""
        self._syns.close()


def let_in(leader: int, ports: Collection[int], within: float | None = None) -> None:
    """Open what a daemon that ended at the wrong moment may have left shut. Raises HalbdError, OSError.

    Where there is nothing to open, nobody knows that it is open.
    """
    found = listeners(leader, ports, within)
    if not found and session(leader) == leader:
        raise FailedError("cannot copy the proxy's sockets: none that listens was found")
    for one in found:
        with one:
            detach(one)


def listeners(leader: int, ports: Collection[int], within: float | None = None) -> list[socket.socket]:
    """What that session has that listens on these ports, as copies that the caller closes. Raises HalbdError."""
    inodes = [inode for inode, (_, port) in sock_diag.listening().items() if port in ports]
    return ask.listeners(inodes, [pid for pid in pids() if session(pid) == leader], within)
