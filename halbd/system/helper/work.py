"""What may be asked, and how it is done: the same code in the daemon, where it has the privileges, and in the helper.

Every question is a word and two lists of numbers, processes and inodes of sockets; so nothing in it can be a path.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence

from halbd.system.helper import packets
from halbd.system.helper.copies import copies, holders

IP_TRANSPARENT = 19
"""ip(7)."""
DESCRIPTORS = 250
"""Of an answer's sockets, at the most in one message (SCM_MAX_FD, unix(7), is 253)."""

Said = list[list[int]] | list[int] | str | None
Answer = tuple[Said, list[socket.socket]]
"""What JSON can say, and sockets, which are whoever's who has asked."""
Numbers = Sequence[int]


def _holders(pids: Numbers, inodes: Numbers) -> Answer:
    """Which of these processes has which of these sockets: pairs of inode and process."""
    return [list(pair) for pair in holders(inodes, pids)], []


def _listeners(pids: Numbers, inodes: Numbers) -> Answer:
    """Copies of those of these sockets that one of these processes has, and that listen."""
    return None, [one for _, one in copies(inodes, pids) if _listens(one)]


def _speak(pids: Numbers, inodes: Numbers) -> Answer:
    """IP_TRANSPARENT for those of these sockets that one of these processes has; those that have got it."""
    return [inode for inode, one in copies(inodes, pids) if _transparent(one)], []


def _watched(pids: Numbers, _: Numbers) -> Answer:
    """The inodes that these processes watch (inotify(7), proc_pid_fdinfo(5)); None where that cannot be told."""
    try:
        return [inode for pid in pids for inode in _inotify(pid)], []
    except OSError:
        return None, []


def _program(pids: Numbers, _: Numbers) -> Answer:
    """The file that the process was executed from (proc_pid_exe(5)), None where that cannot be told."""
    try:
        return os.readlink(f"/proc/{pids[0]}/exe"), []  # noqa: PTH115  # pathlib is three times what else is imported
    except OSError:
        return None, []


QUESTIONS: Mapping[str, Callable[[Numbers, Numbers], Answer]] = {
    "holders": _holders,
    "listeners": _listeners,
    "speak": _speak,
    "watched": _watched,
    "program": _program,
    "adverts": lambda *_: (None, [packets.adverts()]),
    "syns4": lambda *_: (None, [packets.syns(4)]),
    "syns6": lambda *_: (None, [packets.syns(6)]),
    "sender4": lambda *_: (None, [packets.sender(4)]),
    "sender6": lambda *_: (None, [packets.sender(6)]),
}
"""All of them; each may raise OSError."""
OF_ONES_OWN = frozenset({"listeners"})
"""What the helper does only to processes in the control group of who asks: the proxy is in the daemon's."""


def _listens(one: socket.socket) -> bool:
    if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return True
    one.close()
    return False


def _transparent(copy: socket.socket) -> bool:
    """It takes CAP_NET_ADMIN or CAP_NET_RAW."""
    with copy as one:
        try:
            one.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        except OSError:
            return False
    return True


def _inotify(pid: int) -> list[int]:
    """Raises OSError."""
    found: list[int] = []
    for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  # as above
        try:
            if os.readlink(f"/proc/{pid}/fd/{name}") == "anon_inode:inotify":  # noqa: PTH115  # as above
                with open(f"/proc/{pid}/fdinfo/{name}") as file:  # noqa: PTH123  # as above
                    found += [int(line.split("ino:")[1].split()[0], 16) for line in file if line.startswith("inotify ")]
        except FileNotFoundError:
            continue  # closed meanwhile
    return found
