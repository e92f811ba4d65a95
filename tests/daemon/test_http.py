"""The HTTP server by itself, on a real socket: what becomes of its connections."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from halbd.daemon.clients import MOST
from halbd.daemon.http import DEADLINE, Request, Response, Route, serve

ASK = b"GET /all HTTP/1.1\r\nHost: halbd\r\n\r\n"
CHECK = b"GET /check HTTP/1.1\r\nHost: halbd\r\n\r\n"
SHORT = 0.2
"""Seconds, where somebody is to be too slow; else the usual deadline, since a busy machine may be slow as well."""


def play(route: Route, clients: Callable[[str], Awaitable[None]], tmp_path: Path, deadline: float = DEADLINE) -> None:
    """Serve while the clients do what they do."""

    async def whole() -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        listener.setblocking(False)
        async with serve(listener, route, deadline):
            await asyncio.wait_for(clients(str(tmp_path / "s")), 20)

    asyncio.run(whole())


async def large(_: Request) -> Response:
    """More than the kernel keeps for a reader."""
    return Response(200, {"all": "x" * 4_000_000})


def test_who_does_not_read_its_answer_is_cut_off(tmp_path: Path) -> None:
    """A transport that is closed waits for its reader for ever, with its descriptor and all that is unread."""

    async def client(path: str) -> None:
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        one.sendall(ASK)
        hung_up = select.poll()
        hung_up.register(one, 0)  # POLLHUP is told unasked
        assert await asyncio.to_thread(hung_up.poll, 10_000)
        got = b"".join(iter(lambda: one.recv(65536), b""))
        assert 0 < len(got) < 4_000_000
        one.close()

    play(large, client, tmp_path, SHORT)


def test_who_reads_slowly_gets_all_of_it(tmp_path: Path) -> None:
    async def client(path: str) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(ASK)
        assert len(await reader.read()) > 4_000_000
        writer.close()

    play(large, client, tmp_path)


@pytest.mark.parametrize("text", [b"", ASK[:20]])
def test_who_is_too_slow_to_ask_is_dropped(text: bytes, tmp_path: Path) -> None:
    async def client(path: str) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(text)
        assert await reader.read() == b""
        writer.close()

    play(large, client, tmp_path, SHORT)


def test_who_is_being_served_is_not_dropped_however_many_come(tmp_path: Path) -> None:
    """A reload may take seconds, and somebody waits for its end."""
    there, go = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        there.set()
        await go.wait()
        return Response(200, {"done": True})

    async def client(path: str) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(ASK)
        await there.wait()
        others = [await asyncio.open_unix_connection(path) for _ in range(2 * MOST)]
        assert await others[0][0].read() == b"", "the first of those that only wait"
        go.set()
        assert b'{"done": true}' in await reader.read()
        for _, one in (*others, (reader, writer)):
            one.close()

    play(slow, client, tmp_path)


def test_halbd_check_is_answered_before_all_who_came_first(tmp_path: Path) -> None:
    """It comes last in the kernel's queue, and keepalived waits for it."""
    answered: list[str] = []

    async def note(request: Request) -> Response:
        answered.append(request.target)
        return Response(200, {})

    async def client(path: str) -> None:
        queue = [socket.socket(socket.AF_UNIX) for _ in range(MOST)]
        for one in queue:  # the loop does not turn meanwhile
            one.connect(path)
            one.sendall(CHECK if one is queue[-1] else ASK)
        for one in queue:
            assert await asyncio.to_thread(one.recv, 12) == b"HTTP/1.1 200"
            one.close()

    play(note, client, tmp_path)
    assert answered == ["/check", *["/all"] * (MOST - 1)]


def test_what_nobody_waits_for_any_more_is_not_done(tmp_path: Path) -> None:
    """A drain that an operator gave up, while the daemon was stopped, must not begin when it goes on."""
    asked: list[str] = []

    async def note(request: Request) -> Response:
        asked.append(request.target)
        return Response(200, {})

    async def clients(path: str) -> None:
        for verb, ending in (("/given-up", "close"), ("/said-all", "half"), ("/waiting", "open")):
            one = socket.socket(socket.AF_UNIX)
            one.connect(path)
            one.sendall(f"POST {verb} HTTP/1.1\r\nHost: halbd\r\nContent-Length: 0\r\n\r\n".encode())
            if ending == "half":
                one.shutdown(socket.SHUT_WR)
            if ending == "close":
                one.close()
                continue
            assert await asyncio.to_thread(one.recv, 65536)
            one.close()

    play(note, clients, tmp_path)
    assert asked == ["/said-all", "/waiting"]
