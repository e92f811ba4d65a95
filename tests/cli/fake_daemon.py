"""A stand-in for the daemon: canned answers on a unix socket, in every way in which a daemon can go wrong."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Handler: TypeAlias = Callable[["Exchange"], None]


class Exchange(socketserver.StreamRequestHandler):
    """One connection. Reads the request's head, keeps its first line, and lets the server's handler answer."""

    server: FakeDaemon

    def handle(self) -> None:
        """Called by socketserver."""
        line = self.rfile.readline().decode().strip()
        body = 0
        while head := self.rfile.readline().strip():
            name, _, value = head.partition(b":")
            body = int(value) if name.lower() == b"content-length" else body
        self.rfile.read(body)  # a socket that is closed with something unread in it resets the other end
        self.server.asked.append(line)
        try:
            self.server.answer(self)
        except OSError:
            self.server.gone_clients += 1  # the client left first, as it must where it is patient for a while only

    def send(self, text: bytes) -> None:
        """Send these bytes as they are. Raises OSError when the client has left."""
        self.wfile.write(text)


class FakeDaemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers every request with `answer`; `asked` are the request lines seen; `leaving` ends what only waits."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, answer: Handler) -> None:
        super().__init__(str(path), Exchange)
        self.answer = answer
        self.asked: list[str] = []
        self.gone_clients = 0
        self.leaving = threading.Event()


@contextmanager
def fake_daemon(path: Path, answer: Handler) -> Iterator[FakeDaemon]:
    """Serve on `path` until the block ends."""
    with FakeDaemon(path, answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.leaving.set()
            server.shutdown()
            thread.join()


def http(status: int, body: dict[str, Any] | bytes) -> bytes:
    """A whole answer."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + text


def says(status: int, body: dict[str, Any] | bytes) -> Handler:
    """Answer at once."""
    return lambda exchange: exchange.send(http(status, body))


def raw(text: bytes) -> Handler:
    """Send just this and close."""
    return lambda exchange: exchange.send(text)


def silent(exchange: Exchange) -> None:
    """Take the request and say nothing."""
    exchange.server.leaving.wait(30)


def drips(text: bytes) -> Handler:
    """One byte every 50 ms: each single read succeeds, the whole takes seconds."""

    def answer(exchange: Exchange) -> None:
        for i in range(len(text)):
            if exchange.server.leaving.wait(0.05):
                return
            exchange.send(text[i : i + 1])

    return answer


def verdict(*, ok: bool = True, stale: bool = False, age: float = 0, **more: Any) -> Handler:
    """Answer GET /check with a verdict that is `age` seconds old."""

    def answer(exchange: Exchange) -> None:
        body = {"ok": ok, "stale": stale, "monotonic": time.monotonic() - age, "reasons": []} | more
        exchange.send(http(200 if ok and not stale else 503, body))

    return answer
