"""HTTP on the unix socket: h11 reads and writes the protocol, one request on each connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11

from halbd.daemon.clients import Clients

DEADLINE = 5.0
"""Seconds that a client may take to send its request; an answer may take longer (a reload does)."""
BACKLOG = 1024
"""Connections that wait to be accepted; beyond it connect(2) fails with EAGAIN, and halbd-check looks for itself."""
AT_ONCE = 16
"""Connections that are accepted before those that are open get their turn again."""
LONGEST_REQUEST = 16384
"""Bytes of headers and body together."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `uid` is the peer's, by SO_PEERCRED (unix(7))."""

    method: str
    target: str
    uid: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A status and a JSON body; `after` is done once it is on its way, or cannot be."""

    status: int
    body: Mapping[str, Any]
    after: Callable[[], None] | None = None


Route = Callable[[Request], Awaitable[Response]]


async def serve(listener: socket.socket, route: Route, deadline: float = DEADLINE) -> asyncio.Server:
    """Serve until the returned server is closed. Each client has `deadline` seconds to ask, and again to read."""
    clients = Clients()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        root = _uid(writer) == 0
        clients.wait(writer.transport, root=root)
        try:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_REQUEST)
            asked = await _asked(reader, writer, connection, deadline)
            if asked is None:
                return
            clients.leave(writer.transport)
            response = await route(asked) if isinstance(asked, Request) else asked
            clients.wait(writer.transport, root=root)
            with contextlib.suppress(OSError, TimeoutError, h11.LocalProtocolError):
                await _answer(writer, connection, response, deadline)
            if response.after:
                response.after()
        finally:
            await _close(writer, deadline)
            clients.leave(writer.transport)

    server = await asyncio.start_unix_server(one, sock=listener, limit=LONGEST_REQUEST, backlog=AT_ONCE)
    listener.listen(BACKLOG)  # asyncio takes one number for what may wait and for what it accepts in one go
    return server


async def _close(writer: asyncio.StreamWriter, deadline: float) -> None:
    """Close, and cut off who does not read its answer: a transport waits for that for ever."""
    writer.close()
    try:
        async with asyncio.timeout(deadline):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: h11.Connection, deadline: float
) -> Request | Response | None:
    """The request; what to answer to one that is none; or None where the client went away or is too slow."""
    try:
        async with asyncio.timeout(deadline):
            asked = await _read(reader, connection)
    except h11.RemoteProtocolError as error:
        return Response(error.error_status_hint, {"error": f"cannot read the request: {error}"})
    except (OSError, TimeoutError):
        return None
    if asked is None:
        return None
    head, body = asked
    return Request(head.method.decode(), head.target.decode("latin-1"), _uid(writer), body)


async def _read(reader: asyncio.StreamReader, connection: h11.Connection) -> tuple[h11.Request, bytes] | None:
    asked: h11.Request | None = None
    body = b""
    left = LONGEST_REQUEST
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(4096)
            left -= len(data)
            if left < 0:
                raise h11.RemoteProtocolError("the request is too long", error_status_hint=413)
            connection.receive_data(data)
        elif isinstance(event, h11.Request):
            asked = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return (asked, body) if asked else None
        elif isinstance(event, h11.ConnectionClosed):
            return None


async def _answer(
    writer: asyncio.StreamWriter, connection: h11.Connection, response: Response, deadline: float
) -> None:
    body = json.dumps(response.body).encode() + b"\n"
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    reason = HTTPStatus(response.status).phrase
    for event in (
        h11.Response(status_code=response.status, reason=reason, headers=headers),
        h11.Data(data=body),
        h11.EndOfMessage(),
    ):
        writer.write(connection.send(event) or b"")
    async with asyncio.timeout(deadline):
        await writer.drain()


def _uid(writer: asyncio.StreamWriter) -> int:
    """The peer's user: struct ucred is three ints, pid, uid and gid."""
    peer = writer.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return int(uid)
