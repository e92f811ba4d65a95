"""GET over a node daemon's unix socket, without holding up the lab's loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import h11

PATIENCE = 2.0  # seconds for a whole answer


async def status(socket: Path) -> dict[str, Any] | None:
    """The daemon's GET /status, or None when no whole answer comes."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                return _object(await _exchange(reader, writer))
            finally:
                writer.close()
    except (OSError, ValueError, h11.ProtocolError):
        return None


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """One request, the body of its answer."""
    connection, body = h11.Connection(h11.CLIENT), bytearray()
    head = h11.Request(method="GET", target="/status", headers=[("Host", "localhost"), ("Connection", "close")])
    writer.write((connection.send(head) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)


def _object(text: bytes) -> dict[str, Any] | None:
    value = json.loads(text)
    return value if isinstance(value, dict) else None
