"""A stand-in for a kube-apiserver: `python -m halbd.lab.standin`. TLS, health paths, and a watch that never ends."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import ssl
import sys
from dataclasses import dataclass
from functools import partial

import h11

WATCH_PERIOD = 1.0  # seconds between the lines of a watch
IDLE = 60.0  # seconds that a connection may wait for its next request


@dataclass(frozen=True, slots=True)
class Service:
    """Who answers, and what. `broken` is a file: while it exists, every known path is answered with 500."""

    name: str
    answers: dict[str, int]
    broken: str

    def status(self, target: str) -> int:
        """The status for a request's target; the query does not count."""
        known = self.answers.get(target) or self.answers.get(target.partition("?")[0])
        return 404 if known is None else 500 if os.path.exists(self.broken) else known  # noqa: PTH110 - on every request


async def _send(writer: asyncio.StreamWriter, data: bytes | None) -> None:
    if data:
        writer.write(data)
        await writer.drain()


async def _answer(
    service: Service, request: h11.Request, connection: h11.Connection, writer: asyncio.StreamWriter
) -> None:
    headers = [("Server", f"halbd-lab/{service.name}"), ("X-Served-By", service.name), ("Content-Type", "text/plain")]
    if request.target.startswith(b"/watch"):
        await _watch(connection, writer, headers)
        return
    status = service.status(request.target.decode("ascii", "replace"))
    body = b"ok" if status < 400 else b"not ok"
    head = h11.Response(status_code=status, headers=[*headers, ("Content-Length", str(len(body)))])
    parts = (head, h11.Data(data=b"" if request.method == b"HEAD" else body), h11.EndOfMessage())
    await _send(writer, b"".join(connection.send(part) or b"" for part in parts))


async def _watch(connection: h11.Connection, writer: asyncio.StreamWriter, headers: list[tuple[str, str]]) -> None:
    await _send(writer, connection.send(h11.Response(status_code=200, headers=headers)))
    while True:
        await _send(writer, connection.send(h11.Data(data=b'{"type":"BOOKMARK"}\n')))
        await asyncio.sleep(WATCH_PERIOD)


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Read to the end of one request; None when the peer is done."""
    request = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await asyncio.wait_for(reader.read(65536), IDLE))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif not isinstance(event, h11.Data):
            return None


async def _serve(service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h11.Connection(h11.SERVER)
    with contextlib.suppress(OSError, TimeoutError, h11.ProtocolError, ssl.SSLError):
        while request := await _next_request(connection, reader):
            await _answer(service, request, connection, writer)
            if connection.our_state is not h11.DONE:
                break
            connection.start_next_cycle()
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


def _place(text: str) -> tuple[str, int]:
    """Split "10.0.0.1:6443" or "[fd00::1]:6443"."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="halbd.lab.standin", description=__doc__)
    parser.add_argument("--name", required=True, help="sent as X-Served-By")
    parser.add_argument("--tls", action="append", default=[], metavar="ADDRESS:PORT", type=_place)
    parser.add_argument("--plain", action="append", default=[], metavar="ADDRESS:PORT", type=_place)
    parser.add_argument("--certificate", metavar="FILE", help="key and certificate, PEM")
    parser.add_argument("--answer", action="append", default=[], metavar="PATH=STATUS")
    parser.add_argument("--broken", default="", metavar="FILE", help="while it exists, answer 500")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    pairs = (answer.rpartition("=") for answer in arguments.answer)
    service = Service(arguments.name, {path: int(status) for path, _, status in pairs}, arguments.broken)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if arguments.tls:
        context.load_cert_chain(arguments.certificate)
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    places = [(place, context) for place in arguments.tls] + [(place, None) for place in arguments.plain]
    for (host, port), tls in places:
        await asyncio.start_server(partial(_serve, service), host, port, ssl=tls, backlog=1024)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
