"""The socket that everything asks, for root and for the account that keepalived runs halbd-check as."""

from __future__ import annotations

import os
import socket
from typing import Self

from halbd.daemon.http import Route, serve
from halbd.daemon.reception import Reception
from halbd.model.paths import Paths
from halbd.system.programs import check_account, join_group


class Door:
    """Open for as long as the block lasts."""

    def __init__(self, paths: Paths, route: Route) -> None:
        self._paths, self._route = paths, route
        self._server: Reception | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen. Raises OSError."""
        self._server = serve(_listen(self._paths), self._route)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        if self._server:
            self._server.close()
        self._paths.socket.unlink(missing_ok=True)

    async def put_back(self) -> None:
        """Listen anew, where somebody has removed the socket: nobody can find the one that is open. Raises OSError."""
        if self._server and not self._paths.socket.exists():
            before, self._server = self._server, serve(_listen(self._paths), self._route)
            before.close()


def _listen(paths: Paths) -> socket.socket:
    paths.socket.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(paths.socket))
    group = check_account().pw_gid
    join_group(group)
    os.chown(paths.socket, -1, group)
    paths.socket.chmod(0o660)
    listener.setblocking(False)
    return listener
