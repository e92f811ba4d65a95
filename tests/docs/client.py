"""A client that looks on while a hand-made pair becomes halbd's, and what it saw of each step."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.render.netns import inside, wait_until

PATIENCE = 90
"""Seconds that a sign is waited for."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a client saw of one step: connections, those that failed, ms from the first to the last of them, watches."""

    attempts: int
    failed: Counter[str]
    outage_ms: float
    reset: int
    silent: int

    def __str__(self) -> str:
        """One line for the report."""
        watches = f"watches: {self.reset} reset, {self.silent} silent"
        failed = ", ".join(f"{number} {how}" for how, number in self.failed.items()) or "none"
        return f"{self.attempts} connections, failed: {failed}, outage {self.outage_ms:.0f} ms; {watches}"


class Client:
    """100 new TLS connections per second, verified, and ten watches."""

    def __init__(self, place: str, url: str, ca: Path, records: Path) -> None:
        words = ["-P", "-m", "halbd.lab.client", url, "--ca", str(ca), "--watches", "10"]
        self._records = records
        with records.open("wb") as out:
            self._process = subprocess.Popen(inside(place, sys.executable, *words), stdout=out)

    def saw(self, since: float) -> Sight:
        """What it saw from then on (monotonic seconds) until now."""
        rows = self._rows()
        attempts = sorted((r for r in rows if r.get("start", 0) >= since), key=lambda row: float(row["start"]))
        bad = [n for n, one in enumerate(attempts) if one["error"]]
        gap = 0.0
        if bad:
            gap = attempts[min(bad[-1] + 1, len(attempts) - 1)]["start"] - attempts[bad[0]]["start"]
        how = [r["how"] for r in rows if "broken" in r and r["at"] >= since]
        return Sight(
            len(attempts),
            Counter(one["error"] for one in attempts if one["error"]),
            1000 * gap,
            how.count("reset"),
            how.count("silent"),
        )

    def go_on(self) -> None:
        """Until it has made 400 more connections: a watch that is silent is given up after 3 s."""
        begun = len(self._rows())
        wait_until(lambda: len(self._rows()) >= begun + 400, "the client goes on", PATIENCE)

    def _rows(self) -> list[dict[str, Any]]:
        lines = self._records.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(10)


def now() -> float:
    """The client's clock."""
    return time.monotonic()
