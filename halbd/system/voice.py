"""Lets connections speak from an address that this machine has lost.

Without it the kernel sends nothing for them, not even a reset: for IPv4 it looks up no route from a source address that
is not its own. IP_TRANSPARENT (ip(7)) lifts that, for one socket. IPv6 knows no such rule.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from halbd.system.helper import ask
from halbd.system.process import pids, session


def let_speak(inodes: Iterable[int], first: int | None = None) -> frozenset[int]:
    """Do so for these sockets, whoever has them; those that could be done. Session `first` and ours are searched first.

    Raises FailedError.
    """
    return ask.speak(inodes, sorted(pids(), key=lambda pid: session(pid) not in {first, os.getsid(0)}))
