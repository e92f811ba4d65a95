"""Both ends of silent connections: `python -m halbd.lab.silent`. Prints JSON lines; times are CLOCK_MONOTONIC.

With a URL: holds connections on which nothing is ever sent after the TLS handshake; tells of each when it breaks and
when a new one has come about. With `--server ADDRESS`: tells who is connected to that address, at each change.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import ssl
import sys
import time
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from halbd.model.config import Address
from halbd.system import sock_diag

LOOK = 0.005  # seconds between two looks at a server's connections
AGAIN = 1.5  # seconds for one try to connect again; the next follows at once
KEPT = 60.0  # seconds that a stand-in waits for a request


def main() -> None:
    """Until the end of time, or of whoever reads."""
    parser = argparse.ArgumentParser(prog="halbd.lab.silent", description=__doc__)
    parser.add_argument("url", nargs="?", type=urlsplit)
    parser.add_argument("--ca", metavar="FILE")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--server", type=ip_address)
    arguments = parser.parse_args()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        if arguments.server:
            look(arguments.server)
        else:
            asyncio.run(hold(arguments.url, ssl.create_default_context(cafile=arguments.ca), arguments.count))


async def hold(url: SplitResult, tls: ssl.SSLContext, count: int) -> None:
    """The client's ends."""
    tls_if = tls if url.scheme == "https" else None
    pairs = [await asyncio.open_connection(url.hostname, url.port, ssl=tls_if) for _ in range(count)]
    _say({"open": len(pairs)})
    await asyncio.gather(*(_until_again(url, tls_if, reader) for reader, _ in pairs))
    await asyncio.Event().wait()


async def _until_again(url: SplitResult, tls: ssl.SSLContext | None, reader: asyncio.StreamReader) -> None:
    how = "closed"
    try:
        await reader.read(1)
    except OSError:
        how = "reset"
    _say({"broken": time.monotonic(), "how": how})
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(AGAIN):
                await asyncio.open_connection(url.hostname, url.port, ssl=tls)
            _say({"again": time.monotonic()})
            return


def look(address: Address) -> None:
    """The servers' ends."""
    before: list[str] | None = None
    while True:
        flows = (one.flow for one in sock_diag.connections(address))
        now = sorted(f"{flow.remote}:{flow.remote_port}" for flow in flows)
        if now != before:
            _say({"at": time.monotonic(), "peers": now})
            before = now
        time.sleep(LOOK)


def _say(record: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
