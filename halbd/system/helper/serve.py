"""halbd --helper: answers the questions of ask.py on the socket that systemd hands over (sd_listen_fds(3)).

Each connection is one question, which ends where the asker stops writing; the answer is JSON, [what is said, errno],
and sockets with it. Imported here is as little as possible: it stays in memory as long as halbd runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import sys
from threading import BoundedSemaphore, Thread

from halbd.system.helper.work import DESCRIPTORS, OF_ONES_OWN, QUESTIONS, Answer
from halbd.system.notify import Notifier

FIRST = 3
"""The descriptor that systemd passes."""
AT_ONCE = 8
"""Questions; the next ones wait. A long one, about thousands of sockets, must not keep the short ones waiting."""
PATIENCE = 5.0
"""Seconds for which an asker may be slow."""
LONGEST = 8 << 20
"""Octets of a question: hundreds of thousands of sockets."""
IDLE = 60.0
"""Seconds between two turns where systemd wants no sign of life."""
PEER = struct.Struct("3i")  # struct ucred


def serve() -> int:
    """For ever. Returns 2 where it was not started by systemd."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        sys.stderr.write("halbd --helper is started by halbd-helper.socket, and not by hand\n")
        return 2
    listener, notifier, free = socket.socket(fileno=FIRST), Notifier(), BoundedSemaphore(AT_ONCE)
    ready = False
    while True:
        ready = ready or notifier.send("READY=1")
        asked, _, _ = select.select([listener], [], [], notifier.watchdog_interval or IDLE)
        if asked and not free.acquire(timeout=notifier.watchdog_interval or IDLE):
            continue  # all of them are stuck: no sign of life
        notifier.send("WATCHDOG=1")
        if asked:
            one, _ = listener.accept()
            try:
                Thread(target=_attend, args=(one, free), daemon=True).start()
            except RuntimeError:  # there is none (pthread_create(3), EAGAIN): who asks gets no answer, and asks again
                one.close()
                free.release()


def _attend(one: socket.socket, free: BoundedSemaphore) -> None:
    try:
        with one, contextlib.suppress(OSError):  # who has asked is gone, or does not listen
            one.settimeout(PATIENCE)
            _answer(one)
    finally:
        free.release()


def _answer(one: socket.socket) -> None:
    """Raises OSError."""
    asker, account, _ = PEER.unpack(one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
    if account != 0:
        return
    text = b""
    while chunk := one.recv(LONGEST):
        text += chunk
        if len(text) > LONGEST:
            return
    try:
        (said, sockets), number = _work(text, asker), 0
    except OSError as error:
        (said, sockets), number = (None, []), error.errno or 1
    try:
        for at in range(0, len(sockets), DESCRIPTORS):  # each with a blank, which JSON may begin with
            socket.send_fds(one, [b" "], [each.fileno() for each in sockets[at : at + DESCRIPTORS]])
        one.sendall(json.dumps([said, number]).encode())
    finally:
        for each in sockets:
            each.close()


def _work(text: bytes, asker: int) -> Answer:
    """Raises OSError; ValueError, TypeError and KeyError for what is no question, which is left without an answer."""
    question, pids, inodes = json.loads(text)
    if not all(type(number) is int for number in (*pids, *inodes)):
        raise TypeError("not all of them are numbers")
    if question in OF_ONES_OWN:
        own = _control_group(asker)
        pids = [pid for pid in pids if own and _control_group(pid) == own]
    return QUESTIONS[question](pids, inodes)


def _control_group(pid: int) -> str:
    """As /proc has it (cgroups(7)), "" where the process is gone."""
    try:
        with open(f"/proc/{pid}/cgroup") as file:  # noqa: PTH123  # pathlib is three times what else is imported
            return file.read()
    except OSError:
        return ""
