"""A stand-in API server, and the real HAProxy in front of it, on loopback."""

from __future__ import annotations

import csv
import http.client
import io
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from halbd.model.config import Config
from halbd.render.render import render
from tests.render.cases import AROUND
from tests.render.netns import wait_until

HAPROXY = "/usr/sbin/haproxy"


class _Listener(ThreadingHTTPServer):
    """Quiet when a client goes away, as checks do."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


class ApiServer:
    """Answers every GET with `status`, over TLS when it has a certificate. Remembers what it was asked."""

    def __init__(self, certificate: Path | None) -> None:
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        self._server = _Listener(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake belongs to the connection's own thread, not to the one that accepts.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def refuse(self) -> None:
        """Close the listening socket: from now on a connection is refused."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api.asked.append((self.path, self.headers["Host"]))
                self.send_response(api.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """Quiet."""

        return Handler


def free_port() -> int:
    """A port of loopback that nothing holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy:
    """A running HAProxy, seen through its admin socket and through its port."""

    def __init__(self, admin_socket: Path, port: int, log: Path) -> None:
        self._admin_socket = admin_socket
        self.port = port
        self._log = log

    def command(self, text: str) -> str:
        """The answer of the admin socket; "" while it does not answer."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(5)
            try:
                admin.connect(str(self._admin_socket))
            except OSError:
                return ""
            admin.sendall(text.encode() + b"\n")
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()

    def server(self, name: str) -> dict[str, str]:
        """One server's row of `show stat`; empty while there is none."""
        rows = csv.DictReader(io.StringIO(self.command("show stat").removeprefix("# ")))
        return next((row for row in rows if row["svname"] == name), {})

    def state(self, name: str) -> str:
        """What HAProxy thinks of the server and why: "UP L7OK 200", "DOWN L7STS 500"."""
        row = self.server(name)
        words = (row.get("status", ""), row.get("check_status", ""), row.get("check_code", ""))
        return " ".join(word for word in words if word)

    def wait_for(self, name: str, state: str) -> None:
        """Until that server's state begins so."""
        try:
            wait_until(lambda: self.state(name).startswith(state), state)
        except AssertionError as error:
            raise AssertionError(
                f"{error}; it is {self.state(name)!r}; HAProxy said:\n{self._log.read_text()}"
            ) from None

    def get(self, ca: str) -> int:
        """As the function `get`."""
        return get(self.port, ca)


def get(port: int, ca: str) -> int:
    """A new connection through the proxy, verified end to end; the status. Raises OSError."""
    context = ssl.create_default_context(cadata=ca)
    raw = socket.create_connection(("127.0.0.1", port), timeout=15)
    with context.wrap_socket(raw, server_hostname="kubernetes") as connection:
        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: kubernetes\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status


@contextmanager
def haproxy(config: Config, folder: Path) -> Iterator[Proxy]:
    """HAProxy running with the rendered file, in the foreground."""
    # Of its own, as HAProxy takes no socket path above 97 characters and pytest's folders are longer.
    with TemporaryDirectory(prefix="halbd-") as short:
        runtime = Path(short)
        (runtime / "proxy").mkdir()
        (runtime / "servers.state").write_text("1\n")
        for file in render(config, replace(AROUND, runtime=runtime)).files:
            (folder / file.name).write_text(file.text)
        log = folder / "haproxy.log"
        with log.open("w") as output:
            words = (HAPROXY, "-db", "-f", str(folder / "haproxy.cfg"))
            process = subprocess.Popen(words, stderr=output, stdout=output)
        proxy = Proxy(runtime / "proxy" / "admin.sock", config.frontends[0].port, log)
        try:
            wait_until(lambda: bool(proxy.command("show info")) or process.poll() is not None, "its admin socket")
            assert process.poll() is None, log.read_text()
            yield proxy
        finally:
            process.kill()
            process.wait()
