"""Who comes to the socket: all are let in at once, for that is cheap, and they are attended to a few at a time.

The kernel's queue is first in, first out, so whoever asks in earnest behind a thousand that do not is reached only when
all of them have been let in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from halbd.daemon.clients import Clients

BACKLOG = 1024
"""Connections that wait to be let in; beyond it connect(2) fails with EAGAIN, and halbd-check looks for itself. All of
them are let in by one turn of the loop."""
AT_ONCE = 16
"""Connections that are then attended to before those that are open get their turn again."""
CHUNK = 4096
"""Octets that are read at a time."""
AGAIN = 1.0
"""Seconds without a descriptor or memory to let anybody in, until the next try."""


@dataclass(frozen=True, eq=False)
class Guest:
    """A connection, what it has said up to now, and the peer's user, by SO_PEERCRED (unix(7))."""

    connection: socket.socket
    said: bytes
    uid: int

    @property
    def root(self) -> bool:
        """It may change things."""
        return self.uid == 0

    def hang_up(self) -> None:
        """Whoever reads from it or writes to it finds that it ended."""
        with contextlib.suppress(OSError):  # the client was faster
            self.connection.shutdown(socket.SHUT_RDWR)


class Reception:
    """Open until it is closed; who is in by then is attended to all the same."""

    def __init__(
        self,
        listener: socket.socket,
        clients: Clients,
        attend: Callable[[Guest], Coroutine[Any, Any, None]],
        urgent: Callable[[bytes], bool],
    ) -> None:
        self._listener, self._clients, self._attend, self._urgent = listener, clients, attend, urgent
        self._loop = asyncio.get_running_loop()
        self._guests: dict[socket.socket, Guest] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        listener.listen(BACKLOG)
        self._open()

    async def __aenter__(self) -> Self:
        """It is open already."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let nobody in any more."""
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _open(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._let_in)

    def _let_in(self) -> None:
        """Everybody who waits. Who has asked what is urgent is answered before all others, the latest one first."""
        idle = not self._guests
        try:
            for _ in range(BACKLOG):
                self._receive(self._listener.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):
            pass
        except OSError as error:  # too many files, or no memory: that somebody waits would be said without an end
            self._loop.call_exception_handler({"message": "cannot let anybody in at the socket", "exception": error})
            self._loop.remove_reader(self._listener)
            self._loop.call_later(AGAIN, self._open)
        if idle and self._guests:
            self._loop.call_soon(self._attend_some)

    def _receive(self, connection: socket.socket) -> None:
        said = b""
        with contextlib.suppress(OSError):  # nothing yet, or never: reading on tells
            said = connection.recv(CHUNK, socket.MSG_DONTWAIT)
        guest = Guest(connection, said, _uid(connection))
        if self._urgent(said):
            self._begin(guest)
        else:
            self._guests[connection] = guest
            self._clients.wait(connection, partial(self._drop, connection), root=guest.root)

    def _attend_some(self) -> None:
        """From the last one on: who has waited longest is also the one to go when there are too many."""
        for _ in range(min(AT_ONCE, len(self._guests))):
            _, guest = self._guests.popitem()
            self._begin(guest)
        if self._guests:
            self._loop.call_soon(self._attend_some)

    def _drop(self, connection: socket.socket) -> None:
        del self._guests[connection]
        connection.close()

    def _begin(self, guest: Guest) -> None:
        guest.connection.setblocking(False)
        self._clients.wait(guest.connection, guest.hang_up, root=guest.root)
        task = self._loop.create_task(self._attend(guest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _uid(connection: socket.socket) -> int:
    """Three ints, pid, uid and gid, are struct ucred."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return int(uid)
