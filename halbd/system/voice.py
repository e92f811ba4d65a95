"""Lets connections speak from an address that this machine has lost.

Without it the kernel sends nothing for them, not even a reset: for IPv4 it looks up no route from a source address that
is not its own. IP_TRANSPARENT (ip(7)) lifts that, for one socket. IPv6 knows no such rule.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from halbd.system.copies import copies, processes, session

IP_TRANSPARENT = 19


def let_speak(inodes: Iterable[int], first: int | None = None) -> frozenset[int]:
    """Do so for these sockets, whoever has them; those that could be done. Session `first` and ours are searched first.

    Needs CAP_NET_ADMIN.
    """
    pids = sorted(processes(), key=lambda pid: session(pid) not in {first, os.getsid(0)})
    return frozenset(inode for inode, one in copies(inodes, pids) if _transparent(one))


def _transparent(copy: socket.socket) -> bool:
    with copy as one:
        try:
            one.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        except OSError:
            return False
    return True
