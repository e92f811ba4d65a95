"""STATE_DIRECTORY/history.jsonl: one line per transition, read back at the next start."""

from __future__ import annotations

import contextlib
import json
from collections import deque
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import Any

from halbd.decide.status import transition
from halbd.model.transition import Role, Transition
from halbd.system import files

LONGEST = 10_000
"""Lines that are kept; the older half goes when there are twice as many."""
AT_HAND = 1000
"""Transitions that are kept in memory: whoever may ask must not make the daemon read a long file each time."""


class History:
    """Writes and reads the file; what cannot be written is counted and kept for the next try."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: deque[str] = deque(maxlen=LONGEST)
        rows = self._read()
        self._lines = len(rows)
        self._latest = deque(rows, maxlen=AT_HAND)
        self._lock = Lock()
        self._mend()

    @property
    def unwritten(self) -> int:
        """Lines that could not be written yet."""
        return len(self._waiting)

    def add(self, one: Transition) -> str | None:
        """Write a transition, and what waited before it; returns why not, where that fails."""
        row = transition(one)
        with self._lock:
            self._latest.append(row)
        self._waiting.append(json.dumps(row))
        return self.flush()

    def flush(self) -> str | None:
        """Write what waits, and what is at hand of a file that was removed; returns why not, where that fails."""
        try:
            self._put_back()
            while self._waiting:
                files.append(self._path, self._waiting[0])
                self._waiting.popleft()
                self._lines += 1
            self._trim()
        except OSError as error:
            return f"cannot write {self._path}: {error.strerror}"
        return None

    def last(self, count: int) -> list[dict[str, Any]]:
        """The last transitions, oldest first, as far as they are at hand; a line that a crash tore is left out."""
        with self._lock:
            return list(self._latest)[-count:] if count else []

    def transitions(self, count: int) -> tuple[Transition, ...]:
        """The same as values."""
        return tuple(one for one in map(_transition, self.last(count)) if one is not None)

    def _read(self) -> list[dict[str, Any]]:
        try:
            lines = self._path.read_text(errors="replace").splitlines()
        except OSError:
            return []
        return [row for row in map(_parse, lines) if row is not None]

    def _mend(self) -> None:
        """End a line that a crash tore, or it would swallow the next one."""
        with contextlib.suppress(OSError):
            text = self._path.read_bytes()
            if text and not text.endswith(b"\n"):
                files.append(self._path, "")

    def _put_back(self) -> None:
        """What waits is at hand as well, as its end."""
        if self._lines and not self._path.exists():
            rows = [json.dumps(row) for row in self.last(AT_HAND)]
            written = rows[: len(rows) - len(self._waiting)]
            files.write(self._path, "".join(f"{row}\n" for row in written).encode())
            self._lines = len(written)

    def _trim(self) -> None:
        if self._lines >= 2 * LONGEST:
            rows = self._read()[-LONGEST:]
            files.write(self._path, "".join(json.dumps(row) + "\n" for row in rows).encode())
            self._lines = len(rows)


def _transition(row: dict[str, Any]) -> Transition | None:
    try:
        return Transition(
            at=datetime.fromisoformat(row["at"]),
            vip=ip_address(row["vip"]),
            interface=str(row["interface"]),
            gained=row["change"] == "gained",
            role_before=Role(row["role_before"]),
            role_after=Role(row["role_after"]),
            lasted=row["lasted_s"],
            cause=str(row["cause"]),
        )
    except (KeyError, ValueError, TypeError):
        return None  # somebody else's line


def _parse(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
