"""HTTP on the unix socket: h11 reads and writes the protocol, one request on each connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11

from halbd.daemon.clients import Clients
from halbd.daemon.reception import CHUNK, Guest, Reception

DEADLINE = 5.0
"""Seconds that a client may take to send its request; an answer may take longer (a reload does)."""
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


def serve(listener: socket.socket, route: Route, deadline: float = DEADLINE) -> Reception:
    """Serve until what is returned is closed. Each client has `deadline` seconds to ask, and again to read."""
    clients = Clients()

    async def attend(guest: Guest) -> None:
        one = guest.connection
        try:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_REQUEST)
            asked = await _asked(guest, connection, deadline)
            if asked is None or (isinstance(asked, Request) and asked.method != "GET" and _gone(one)):
                return
            clients.leave(one)
            response = await route(asked) if isinstance(asked, Request) else asked
            clients.wait(one, guest.hang_up, root=guest.root)
            with contextlib.suppress(OSError, TimeoutError, h11.LocalProtocolError):
                await _answer(one, connection, response, deadline)
            if response.after:
                response.after()
        finally:
            one.close()
            clients.leave(one)

    return Reception(listener, clients, attend, _is_check)


def _gone(one: socket.socket) -> bool:
    """Whoever asked has hung up, and so has given up: a drain must not begin minutes later, when a daemon goes on.

    One that has only said its last word still listens (shutdown(2), SHUT_WR).
    """
    poll = select.poll()
    poll.register(one, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _is_check(said: bytes) -> bool:
    """The whole question of halbd-check, which keepalived waits for."""
    return said.startswith(b"GET /check ") and said.endswith(b"\r\n\r\n")


async def _asked(guest: Guest, connection: h11.Connection, deadline: float) -> Request | Response | None:
    """The request; what to answer to one that is none; or None where the client went away or is too slow."""
    try:
        async with asyncio.timeout(deadline):
            asked = await _read(guest, connection)
    except h11.RemoteProtocolError as error:
        return Response(error.error_status_hint, {"error": f"cannot read the request: {error}"})
    except (OSError, TimeoutError):
        return None
    if asked is None:
        return None
    head, body = asked
    return Request(head.method.decode(), head.target.decode("latin-1"), guest.uid, body)


async def _read(guest: Guest, connection: h11.Connection) -> tuple[h11.Request, bytes] | None:
    loop, said = asyncio.get_running_loop(), guest.said
    asked: h11.Request | None = None
    body = b""
    left = LONGEST_REQUEST
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data, said = said or await loop.sock_recv(guest.connection, CHUNK), b""
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


async def _answer(one: socket.socket, connection: h11.Connection, response: Response, deadline: float) -> None:
    body = json.dumps(response.body).encode() + b"\n"
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    reason = HTTPStatus(response.status).phrase
    events = (
        h11.Response(status_code=response.status, reason=reason, headers=headers),
        h11.Data(data=body),
        h11.EndOfMessage(),
    )
    text = b"".join(connection.send(event) or b"" for event in events)
    async with asyncio.timeout(deadline):
        await asyncio.get_running_loop().sock_sendall(one, text)
