"""A frontend of the proxy as halbd-check meets it: HTTP, HTTPS or bare TCP on loopback, well or sick."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class _Connection(socketserver.BaseRequestHandler):
    server: Standin

    def handle(self) -> None:
        try:
            connection = self.server.secure(self.request)
            connection.recv(4096)
            self.server.reply(connection)
        except OSError:
            self.server.refused += 1  # the peer did not trust the certificate, or left

    def finish(self) -> None:
        self.server.shutdown_request(self.request)


class Standin(socketserver.ThreadingTCPServer):
    """Answers each connection with `text`; with `text` None it says nothing until the block ends; `slow` drips."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, text: bytes | None, certificate: Path | None, slow: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.text = text
        self.slow = slow
        self.refused = 0
        self.leaving = threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self.context and certificate:
            self.context.load_cert_chain(certificate)

    def secure(self, connection: Any) -> Any:
        """Shake hands where this is a TLS server. Raises OSError."""
        return self.context.wrap_socket(connection, server_side=True) if self.context else connection

    def reply(self, connection: Any) -> None:
        """Answer in the way that was asked for. Raises OSError."""
        if self.text is None:
            self.leaving.wait(30)
            return
        for i in range(0, len(self.text), step := 1 if self.slow else len(self.text)):
            if self.slow and self.leaving.wait(0.1):
                return
            connection.sendall(self.text[i : i + step])
        connection.shutdown(1)


@contextmanager
def standin(text: bytes | None = WELL, certificate: Path | None = None, *, slow: bool = False) -> Iterator[int]:
    """Serve until the block ends; gives the port."""
    with Standin(text, certificate, slow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.leaving.set()
            server.shutdown()
            thread.join()
