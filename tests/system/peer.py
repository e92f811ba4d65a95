"""A server on loopback that answers in any way at all, over TLS where it has a certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Answer: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""What is done with each connection; the event tells that the test is over."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Peer:
    """Where it listens, and how many of its connections the other side has ended."""

    port: int
    ended: threading.Semaphore


def says(text: bytes) -> Answer:
    """Read the request, answer with `text`, close."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(text)

    return answer


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Take the request and never answer."""
    while not over.is_set() and connection.recv(4096):
        pass


def drips(connection: socket.socket, over: threading.Event) -> None:
    """One byte of an endless header every 20 ms: no single read ever times out."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.02):
        connection.sendall(b"x")


@contextmanager
def peer(answer: Answer, certificate: Path | None = None) -> Iterator[Peer]:
    """Serve every connection in a thread of its own until the block ends."""
    over = threading.Event()
    ended = threading.Semaphore(0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context and certificate:
        context.load_cert_chain(certificate)

    def one(raw: socket.socket) -> None:
        with suppress(OSError), raw:
            raw.settimeout(30)
            connection = context.wrap_socket(raw, server_side=True) if context else raw
            with connection:
                answer(connection, over)
        ended.release()

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield Peer(server.getsockname()[1], ended)
        finally:
            over.set()
            thread.join()


@contextmanager
def deaf() -> Iterator[int]:
    """A port that accepts nothing: its queue is full, so that a connection is neither made nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(server.getsockname())
            waiting.append(one)
        try:
            yield server.getsockname()[1]
        finally:
            for one in waiting:
                one.close()
