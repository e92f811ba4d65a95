"""The client in its namespace, as the lab sees it: what became of every attempt."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from halbd.lab import namespaces
from halbd.lab.errors import LabError
from halbd.lab.measure import Attempt, Broken
from halbd.lab.plan import Target
from halbd.lab.tasks import Tasks

FRESH = 0.5  # seconds within which a good answer must have come for service to be called up
ALIVE = 1.5  # seconds within which each watch must have had a line; the stand-ins send one each second


def url(target: Target) -> str:
    """Where a client goes for `target`."""
    host = f"[{target.vip}]" if ":" in target.vip else target.vip
    return f"{'https' if target.tls else 'http'}://{host}:{target.port}/readyz"


class Traffic:
    """Collects what the client reports."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.broken: list[Broken] = []
        self._began = time.monotonic()
        self._last_bad = self._began
        self._last_good = 0.0
        self._last_line: dict[str, float] = {}

    async def start(self, targets: tuple[Target, ...], namespace: str, options: list[str], tasks: Tasks) -> None:
        """Begin to connect. `options` are the client's own. Raises LabError."""
        words = (sys.executable, "-P", "-m", "halbd.lab.client", *map(url, targets), *options)
        self._last_line = {target.vip: 0.0 for target in targets}
        tasks.begin(self._read(await tasks.lines(*namespaces.inside(namespace), *words)))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while text := await reader.readline():
            self._note(json.loads(text))
        raise LabError("cannot measure: the client has ended")

    def _note(self, record: dict[str, Any]) -> None:
        if "attempt" in record:
            attempt = Attempt(record["attempt"], record["start"], record["end"], record["error"])
            self.attempts.append(attempt)
            if attempt.bad:
                self._last_bad = max(self._last_bad, attempt.end)
            else:
                self._last_good = attempt.end
        elif "line" in record:
            self._last_line[record["line"]] = record["at"]
        elif "broken" in record:
            self.broken.append(Broken(record["at"], record["broken"], record["how"]))

    def clean(self, seconds: float) -> bool:
        """No attempt has failed or been slow for `seconds`, good answers are coming in, and every watch is alive."""
        now = time.monotonic()
        if any(now - last > ALIVE for last in self._last_line.values()):
            return False
        return now - self._last_bad >= seconds and now - self._last_good <= FRESH

    def forget(self) -> None:
        """Drop what is recorded, so that a night of repeats does not fill the memory."""
        self.attempts.clear()
        self.broken.clear()

    def counts(self) -> tuple[int, int]:
        """Good and bad attempts since the last forget()."""
        bad = sum(attempt.bad for attempt in self.attempts)
        return len(self.attempts) - bad, bad
