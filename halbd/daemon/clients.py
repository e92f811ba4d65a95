"""Who is connected to the socket: so many and no more, so that no client takes the daemon's file descriptors."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket

MOST = 256
"""Connections of root that wait, and as many of all others together. Everyone of this node asks and is gone."""


class Clients:
    """The connections that wait: for the rest of a request, or until their answer is read.

    One too many, and who has waited longest goes: halbd-check asks at once and is answered at once, so it is never the
    one. Root has room of its own, whatever the account of halbd-check does.
    """

    def __init__(self) -> None:
        self._waiting: dict[bool, dict[socket, Callable[[], None]]] = {True: {}, False: {}}

    def wait(self, one: socket, drop: Callable[[], None], *, root: bool) -> None:
        """Give this connection a place, or let it keep its own; it is to leave it when it ends. `drop` ends it."""
        waiting = self._waiting[root]
        if one not in waiting and len(waiting) >= MOST:
            waiting.pop(next(iter(waiting)))()
        waiting[one] = drop

    def leave(self, one: socket) -> None:
        """It ended, or is being served: what somebody waits for, as for a reload, is not dropped."""
        for waiting in self._waiting.values():
            waiting.pop(one, None)
