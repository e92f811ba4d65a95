"""A client that keeps count: `python -m halbd.lab.client`. Prints one JSON object per line; times are CLOCK_MONOTONIC.

Open loop: a new connection is begun every 1/rate seconds whether or not the earlier ones have an answer, so an outage
shows as many waiting connections and not as a pause. No TLS session is resumed. {"cost": …} at the end says what
share of a core the client itself took and how late it began its attempts: if that is much, the numbers are its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import ssl
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import h11

RECONNECT = 0.2  # seconds between attempts to open a watch again
SILENCE = 3.0  # seconds without a line after which a watch is given up; the stand-ins send one each second


@dataclass(slots=True)
class Tally:
    """What came of it; every record is printed as it happens unless `quiet`."""

    quiet: bool
    attempts: int = 0
    failed: int = 0
    slow: int = 0
    opened: int = 0
    reset: int = 0
    silent: int = 0
    late: list[float] = field(default_factory=list)

    def attempt(self, vip: str, start: float, end: float, error: str) -> None:
        """One connection from start to end; `error` is "" for a good one."""
        self.attempts += 1
        self.failed += bool(error)
        self.slow += not error and end - start > 0.5
        self._say({"attempt": vip, "start": start, "end": end, "error": error})

    def line(self, vip: str) -> None:
        """A watch on `vip` is alive."""
        self._say({"line": vip, "at": time.monotonic()})

    def broken(self, vip: str, how: str) -> None:
        """A watch that was open is no longer: "reset" or "silent"."""
        self.reset += how == "reset"
        self.silent += how == "silent"
        self._say({"broken": vip, "at": time.monotonic(), "how": how})

    def _say(self, record: dict[str, object]) -> None:
        if not self.quiet:
            sys.stdout.write(json.dumps(record) + "\n")
            sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Caller:
    """Opens connections to `url`; `tls` is None for plain HTTP."""

    url: SplitResult
    tls: ssl.SSLContext | None
    timeout: float

    @property
    def host(self) -> str:
        """The VIP."""
        return self.url.hostname or ""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """TCP, TLS with the certificate verified for the VIP's address, nothing sent yet."""
        return await asyncio.open_connection(self.host, self.url.port, ssl=self.tls)

    def request(self, path: str) -> tuple[h11.Connection, bytes]:
        """A GET of `path`, as bytes to send."""
        connection = h11.Connection(h11.CLIENT)
        head = h11.Request(method="GET", target=path, headers=[("Host", "kubernetes"), ("Connection", "close")])
        return connection, (connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b"")

    async def get(self, path: str) -> int:
        """The status of a whole answer. Raises OSError, h11.ProtocolError."""
        reader, writer = await self.connect()
        try:
            connection, data = self.request(path)
            writer.write(data)
            status = 0
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(4096))
                elif isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.EndOfMessage):
                    return status
        finally:
            writer.transport.abort()


def _word(error: BaseException) -> str:
    """A failure in one or two words, so that they can be counted."""
    match error:
        case TimeoutError():
            return "timeout"
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError() | BrokenPipeError() | h11.RemoteProtocolError() | EOFError():
            return "reset"
        case ssl.SSLCertVerificationError():
            return f"certificate: {error.verify_message}"
        case ssl.SSLError():
            return "TLS"
        case OSError(strerror=str(words)):
            return words.lower()
        case _:
            return type(error).__name__


async def attempt(caller: Caller, tally: Tally) -> None:
    """One new connection, one GET /readyz, one record."""
    start, error = time.monotonic(), ""
    try:
        async with asyncio.timeout(caller.timeout):
            status = await caller.get(caller.url.path)
        error = "" if status == 200 else f"HTTP {status}"
    except (OSError, EOFError, h11.ProtocolError) as problem:
        error = _word(problem)
    tally.attempt(caller.host, start, time.monotonic(), error)


async def knock(callers: list[Caller], rate: float, tally: Tally) -> None:
    """Begin an attempt on every VIP each 1/rate seconds, for ever."""
    running: set[asyncio.Task[None]] = set()
    due = time.monotonic()
    while True:
        tally.late.append(time.monotonic() - due)
        for caller in callers:
            task = asyncio.create_task(attempt(caller, tally))
            running.add(task)
            task.add_done_callback(running.discard)
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def watch(caller: Caller, tally: Tally) -> None:
    """Hold a watch for ever, opening it again when it breaks."""
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(caller.timeout):
                reader, writer = await caller.connect()
                writer.write(caller.request("/watch")[1])
                await reader.readuntil(b"BOOKMARK")
            tally.opened += 1
            tally.broken(caller.host, await _until_broken(caller, tally, reader))
            writer.transport.abort()
        await asyncio.sleep(RECONNECT)


async def _until_broken(caller: Caller, tally: Tally, reader: asyncio.StreamReader) -> str:
    try:
        while True:
            tally.line(caller.host)
            async with asyncio.timeout(SILENCE):
                if not await reader.read(4096):
                    return "reset"
    except TimeoutError:
        return "silent"
    except OSError:
        return "reset"


def cost(tally: Tally, began: float) -> dict[str, float]:
    """What the client itself took: share of a core in percent, and its lateness in ms."""
    late = sorted(tally.late) or [0.0]
    return {
        "cpu_percent": round(100 * time.process_time() / (time.monotonic() - began), 1),
        "late_ms_median": round(1000 * late[len(late) // 2], 2),
        "late_ms_max": round(1000 * late[-1], 2),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="halbd.lab.client", description="Connect again and again, and keep count.")
    parser.add_argument("urls", nargs="+", metavar="URL", help="https://VIP:PORT/readyz, or http://")
    parser.add_argument("--ca", metavar="FILE", help="the CA that signed the servers' certificates")
    parser.add_argument("--rate", type=float, default=100, help="new connections per second to each URL (default 100)")
    parser.add_argument("--timeout", type=float, default=2, help="seconds for one whole attempt (default 2)")
    parser.add_argument("--watches", type=int, default=1, help="long watches held on each URL (default 1)")
    parser.add_argument("--seconds", type=float, default=None, help="stop by itself (default: at SIGTERM)")
    parser.add_argument("--summary", action="store_true", help="print the counts at the end instead of every record")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    tls = ssl.create_default_context(cafile=arguments.ca)
    urls = [urlsplit(url) for url in arguments.urls]
    callers = [Caller(url, tls if url.scheme == "https" else None, arguments.timeout) for url in urls]
    tally, stop, began = Tally(arguments.summary), asyncio.Event(), time.monotonic()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    tasks = [asyncio.create_task(watch(caller, tally)) for caller in callers for _ in range(arguments.watches)]
    if arguments.rate:
        tasks.append(asyncio.create_task(knock(callers, arguments.rate, tally)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(arguments.seconds):
            await stop.wait()
    for task in tasks:
        task.cancel()
    counts = {"attempts": tally.attempts, "failed": tally.failed, "slow": tally.slow, "watches": tally.opened}
    counts |= {"watches_reset": tally.reset, "watches_silent": tally.silent}
    sys.stdout.write(json.dumps({"cost": cost(tally, began), **counts}) + "\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(_main(_arguments()))
