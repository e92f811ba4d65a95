"""Copies of other processes' sockets (pidfd_getfd(2)): what is set on a copy is set on the one socket that both have.

The owner needs no privilege and notices nothing. Where it has another account, its list of descriptors takes
CAP_DAC_READ_SEARCH, and the rest CAP_SYS_PTRACE.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping

PIDFD_GETFD = 438
"""The same on every architecture that Python and systemd run on (asm-generic/unistd.h)."""


def copies(inodes: Iterable[int], pids: Iterable[int]) -> Iterator[tuple[int, socket.socket]]:
    """A copy of each of these sockets that one of these processes has; whoever takes it closes it."""
    left = set(inodes) - {0}
    for pid in pids:
        if not left:
            return
        for inode, one in _copied(pid, dict(_sockets(pid, left))):
            left.discard(inode)
            yield inode, one


def holders(inodes: Iterable[int], pids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Each of these sockets, with the first of these processes that has it."""
    left = set(inodes) - {0}
    for pid in pids:
        if not left:
            return
        found = [inode for inode, _ in _sockets(pid, left)]
        left.difference_update(found)
        yield from ((inode, pid) for inode in found)


def _sockets(pid: int, wanted: set[int]) -> Iterator[tuple[int, int]]:
    """The descriptor of each of these sockets that the process has (proc_pid_fd(5)), by its inode.

    The lowest come first, and among those are the ones that listen: a busy proxy has tens of thousands more.
    """
    left = set(wanted)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  # Path is five times slower
            target = _target(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:[") and int(target[8:-1]) in left:
                yield int(target[8:-1]), int(name)
                left.discard(int(target[8:-1]))
                if not left:
                    return
    except OSError:
        return  # it has ended, or is not ours to look into


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115  # see _sockets
    except OSError:
        return ""  # closed meanwhile


def _copied(pid: int, found: Mapping[int, int]) -> Iterator[tuple[int, socket.socket]]:
    if not found:
        return
    with contextlib.suppress(OSError):
        process, call = os.pidfd_open(pid), ctypes.CDLL(None).syscall
        try:
            for inode, descriptor in found.items():
                one = _copy(call, process, descriptor, inode)
                if one is not None:
                    yield inode, one
        finally:
            os.close(process)


def _copy(call: Callable[..., int], process: int, descriptor: int, inode: int) -> socket.socket | None:
    copy = call(PIDFD_GETFD, process, descriptor, 0)
    if copy < 0:
        return None
    one = socket.socket(fileno=copy)
    if os.fstat(copy).st_ino == inode:
        return one
    one.close()  # the number stands for another file by now
    return None
