"""The one door to what takes more privileges than the daemon has under systemd (docs/decisions/0012-sandbox.md).

Where HALBD_HELPER names a socket, as halbd.service has it, halbd-helper.service is asked there. Elsewhere, in the lab,
in a container and for root at a terminal, this process does it itself.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Collection, Iterable
from typing import Any

from halbd.model.errors import FailedError
from halbd.system.helper.work import DESCRIPTORS, QUESTIONS

SOCKET = "HALBD_HELPER"
"""The environment variable."""
SOON = 0.2
"""Seconds within which the helper has to answer what the loop asks; halbd-check allows the daemon 0.3."""
INSTANT = 0.1
"""The same where it decides nothing, at a moment at which the loop has much to do."""
LATER = 1.0
"""The same for what a thread asks, of tens of thousands of sockets perhaps. Those of a VIP that has left are to be
ended within two (decide/parting.py), with or without it."""
AT_LEISURE = 10.0
"""The same where nobody waits."""
CHUNK = 1 << 16
INT = struct.Struct("i")


def holders(inodes: Iterable[int], pids: Iterable[int], within: float | None = None) -> dict[int, int]:
    """Which of these processes has which of these sockets, by the socket's inode. Raises FailedError."""
    said, _ = _ask("holders", "cannot see whose sockets they are", pids, inodes, within=within)
    return dict(said)


def listeners(inodes: Collection[int], pids: Iterable[int], within: float | None = None) -> list[socket.socket]:
    """Copies of those of these sockets that one of these processes listens on. Raises FailedError."""
    return _ask("listeners", "cannot copy the proxy's sockets", pids, inodes, within=within)[1]


def speak(inodes: Iterable[int], pids: Iterable[int]) -> frozenset[int]:
    """Give these sockets, which these processes have, IP_TRANSPARENT; those that have got it. Raises FailedError."""
    said, _ = _ask("speak", "cannot let connections speak", pids, inodes, within=LATER)
    return frozenset(said)


def watched(pids: Iterable[int], within: float | None = None) -> frozenset[int] | None:
    """The inodes that these processes watch; None where that cannot be told. Raises FailedError."""
    said, _ = _ask("watched", "cannot see what keepalived watches", pids, within=within)
    return None if said is None else frozenset(said)


def program(pid: int) -> str | None:
    """What /proc/PID/exe leads to, None where that cannot be told. Raises FailedError."""
    said: str | None
    said, _ = _ask("program", "cannot see which program it is", [pid])
    return said


def adverts() -> socket.socket:
    """A socket that hears VRRP adverts. Raises FailedError."""
    return _one("adverts", "cannot listen to VRRP adverts")


def syns(version: int) -> socket.socket:
    """A socket that hears the SYNs that come. Raises FailedError."""
    return _one(f"syns{version}", "cannot listen to SYNs")


def sender(version: int, within: float | None = None) -> socket.socket:
    """A socket that sends whole packets. Raises FailedError."""
    return _one(f"sender{version}", "cannot send packets", within)


def _one(question: str, cannot: str, within: float | None = None) -> socket.socket:
    _, sockets = _ask(question, cannot, within=within)
    if len(sockets) != 1:
        _close(sockets)
        raise FailedError(f"{cannot}: halbd-helper.service sends none")
    return sockets[0]


def _ask(
    question: str, cannot: str, pids: Iterable[int] = (), inodes: Iterable[int] = (), within: float | None = None
) -> tuple[Any, list[socket.socket]]:
    try:
        if address := os.environ.get(SOCKET):
            return _of_helper(address, [question, list(pids), list(inodes)], time.monotonic() + (within or SOON))
        return QUESTIONS[question](list(pids), list(inodes))
    except OSError as error:
        raise FailedError(f"{cannot}: {error.strerror or error}") from error


def _of_helper(address: str, question: list[object], deadline: float) -> tuple[Any, list[socket.socket]]:
    """Raises OSError: what failed in the helper, or that it gives no answer."""
    sockets: list[socket.socket] = []
    try:
        with socket.socket(socket.AF_UNIX) as one:
            _wait(one, deadline)
            one.connect(address)
            one.sendall(json.dumps(question).encode())
            one.shutdown(socket.SHUT_WR)
            said, number = json.loads(_received(one, sockets, deadline))
    except (OSError, ValueError) as error:
        _close(sockets)
        raise OSError(f"halbd-helper.service does not answer: {error}") from error
    if number:
        _close(sockets)
        raise OSError(number, os.strerror(number))
    return said, sockets


def _received(one: socket.socket, sockets: list[socket.socket], deadline: float) -> bytes:
    """All that comes up to the end. No program that we start is to have the sockets, as socket.recv_fds() would."""
    text = b""
    while True:
        _wait(one, deadline)
        chunk, extra, flags, _ = one.recvmsg(CHUNK, socket.CMSG_SPACE(DESCRIPTORS * INT.size), socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in extra:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                sockets += (socket.socket(fileno=descriptor) for (descriptor,) in INT.iter_unpack(data))
        if flags & socket.MSG_CTRUNC:
            raise OSError("not all sockets arrive: too many files are open")
        if not chunk:
            return text
        text += chunk


def _wait(one: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    one.settimeout(left)


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()
