"""Lets connections speak from an address that this machine has lost.

Without it the kernel sends nothing for them, not even a reset: for IPv4 it looks up no route from a source address that
is not its own. IP_TRANSPARENT (ip(7)) lifts that, for one socket; it is set through a copy of the owner's descriptor
(pidfd_getfd(2)), and the owner needs no privilege and notices nothing. IPv6 knows no such rule.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterable, Iterator, Mapping

PIDFD_GETFD = 438
"""The same on every architecture that Python and systemd run on (asm-generic/unistd.h)."""
IP_TRANSPARENT = 19


def let_speak(inodes: Iterable[int], session: int | None = None) -> frozenset[int]:
    """Do so for these sockets, whoever has them; those that could be done. That session and ours are searched first.

    Needs CAP_NET_ADMIN, and CAP_SYS_PTRACE for a process of another account.
    """
    wanted = frozenset(inodes) - {0}
    left = set(wanted)
    for pid in _processes(session):
        if not left:
            break
        left.difference_update(_let(pid, dict(_sockets(pid, left))))
    return wanted - left


def _processes(session: int | None) -> list[int]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  # see _sockets
    return sorted(pids, key=lambda pid: _session(pid) not in {session, os.getsid(0)})


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _sockets(pid: int, wanted: set[int]) -> Iterator[tuple[int, int]]:
    """The descriptor of each of these sockets that the process has (proc_pid_fd(5)), by its inode."""
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  # tens of thousands of names; Path is five times slower
            target = _target(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:[") and int(target[8:-1]) in wanted:
                yield int(target[8:-1]), int(name)
    except OSError:
        return  # it has ended, or is not ours to look into


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115  # see _sockets
    except OSError:
        return ""  # closed meanwhile


def _let(pid: int, found: Mapping[int, int]) -> frozenset[int]:
    if not found:
        return frozenset()
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return frozenset()
    try:
        return frozenset(inode for inode, descriptor in found.items() if _transparent(process, descriptor, inode))
    finally:
        os.close(process)


def _transparent(process: int, descriptor: int, inode: int) -> bool:
    copy: int = ctypes.CDLL(None).syscall(PIDFD_GETFD, process, descriptor, 0)
    if copy < 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=copy) as one:
        if os.fstat(copy).st_ino != inode:
            return False  # the number stands for another file by now
        try:
            one.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        except OSError:
            return False
    return True
