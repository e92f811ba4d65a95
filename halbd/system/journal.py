"""The journal's own protocol: entries with fields, sent as datagrams (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")


def is_standard_output(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether standard output is the journal: systemd.exec(5), $JOURNAL_STREAM."""
    try:
        out = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{out.st_dev}:{out.st_ino}"


def send(fields: Mapping[str, str], address: Path = SOCKET) -> None:
    """Send one entry; the names are of A to Z, 0 to 9 and _ (systemd.journal-fields(7)).

    It does not wait. Raises OSError: nobody listens, the queue is full, or the entry is too long for a datagram.
    """
    entry = b"".join(_field(name, value) for name, value in fields.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.sendto(entry, socket.MSG_DONTWAIT, str(address))


def _field(name: str, value: str) -> bytes:
    """With its length, so that no value can begin a field of its own."""
    octets = value.encode(errors="replace")
    return name.encode() + b"\n" + len(octets).to_bytes(8, "little") + octets + b"\n"
