"""Runs to words and JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any

from halbd import __version__
from halbd.lab.measure import Numbers, Stretch
from halbd.lab.plan import Plan
from halbd.lab.play import Run
from halbd.lab.verdict import length

VERSION = 1
COLUMNS = (
    "fault",
    "verdict",
    "outage",
    "failed",
    "slow",
    "VIP moved",
    "two holders",
    "no holder",
    "healing: outage",
    "VIP back",
)
TIMES = ("moved_ms", "two_holders_ms", "no_holder_ms", "outage_heal_ms", "back_ms")


@dataclass(frozen=True, slots=True)
class Outcome:
    """All runs of one fault. `skipped` says why this cluster has no room for it, or "".

    `unready` says why it could not be played, or not as often as asked for: the world had gone wrong before.
    """

    fault: str
    summary: str
    runs: tuple[Run, ...]
    skipped: str = ""
    unready: str = ""

    @property
    def passed(self) -> bool:
        """Every run was as it should be; a skipped fault has nothing against it, one that nobody saw has."""
        return not self.unready and all(run.passed for run in self.runs)

    @property
    def word(self) -> str:
        """The verdict in one word."""
        return "skipped" if self.skipped else "pass" if self.passed else "FAIL"

    def values(self, name: str) -> list[float | None]:
        """One of the numbers, of every run."""
        return [getattr(run.numbers, name) for run in self.runs]


def spread(values: Iterable[float | None]) -> dict[str, float | None]:
    """Minimum, median and maximum; None when it did not happen in every run."""
    known = list(values)
    numbers = [value for value in known if value is not None]
    if not numbers or len(numbers) < len(known):
        return {"min": None, "median": None, "max": None}
    return {"min": min(numbers), "median": round(median(numbers), 1), "max": max(numbers)}


def to_json(plan: Plan, outcomes: Sequence[Outcome], file: str) -> dict[str, Any]:
    """The one object that --json prints; times in milliseconds."""
    return {
        "version": VERSION,
        "halbd": __version__,
        "file": file,
        "cluster": plan.config.cluster,
        "proxy": plan.config.proxy.kind.value,
        "nodes": [node.name for node in plan.nodes],
        "vips": [target.vip for target in plan.targets],
        "passed": all(outcome.passed for outcome in outcomes),
        "faults": [_outcome(outcome) for outcome in outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    names = [field.name for field in fields(Numbers)] if outcome.runs else []
    return {
        "name": outcome.fault,
        "summary": outcome.summary,
        "passed": outcome.passed,
        "skipped": outcome.skipped or None,
        "unready": outcome.unready or None,
        "numbers": {name: spread(outcome.values(name)) for name in names},
        "runs": [_run(run) for run in outcome.runs],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "victim": run.victim,
        "passed": run.passed,
        "numbers": asdict(run.numbers),
        "findings": [asdict(finding) for finding in run.findings],
        "holders": [{"vip": vip, "over": [_stretch(run, one) for one in line]} for vip, line in run.holders],
        "errors": dict(run.errors),
    }


def _stretch(run: Run, stretch: Stretch) -> dict[str, Any]:
    start, end = (round((at - run.injected) * 1000, 1) for at in (stretch.start, stretch.end))
    return {"from_ms": start, "to_ms": end, "nodes": list(stretch.nodes)}


def _cell(outcome: Outcome, name: str, *, time: bool) -> str:
    """A number for the table; over several runs "minimum / median / maximum"."""
    values = outcome.values(name)
    if not values:
        return "-"
    if all(value is None or (time and value == 0) for value in values):
        return "-"
    ordered = [values[0]] if len(values) == 1 else list(spread(values).values())
    return " / ".join(length(value) if time else f"{value or 0:g}" for value in ordered)


def table(outcomes: Sequence[Outcome]) -> str:
    """The table at the end, then a line for each thing that was not as it should be."""
    rows = [COLUMNS, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if any(len(outcome.runs) > 1 for outcome in outcomes):
        lines.append("minimum / median / maximum")
    return "\n".join([*lines, *complaints(outcomes)])


def _row(outcome: Outcome) -> tuple[str, ...]:
    counts = [_cell(outcome, name, time=False) for name in ("failed", "slow")]
    times = [_cell(outcome, name, time=True) for name in TIMES]
    return (outcome.fault, outcome.word, _cell(outcome, "outage_ms", time=True), *counts, *times)


def complaints(outcomes: Iterable[Outcome]) -> list[str]:
    """What was skipped, what failed, and how."""
    lines = [f"{outcome.fault}: skipped, {outcome.skipped}" for outcome in outcomes if outcome.skipped]
    for outcome in outcomes:
        lines += [f"{outcome.fault}: not played: {outcome.unready}"] if outcome.unready else []
        for number, run in enumerate(outcome.runs, 1):
            which = f" (run {number})" if len(outcome.runs) > 1 else ""
            wrong = [finding for finding in run.findings if not finding.ok]
            lines += [f"{outcome.fault}{which}: {f.what}: wanted {f.wanted}, got {f.got}" for f in wrong]
    return lines


def headline(run: Run) -> str:
    """One line on a run: what the client saw and where the VIP went."""
    numbers = run.numbers
    parts = [f"outage {length(numbers.outage_ms)}", f"{numbers.failed} failed"]
    if numbers.moved_ms is not None:
        parts.append(f"VIP moved after {length(numbers.moved_ms)}")
    if numbers.two_holders_ms:
        parts.append(f"{_both(run)} for {length(numbers.two_holders_ms)}")
    return ", ".join(parts)


def _both(run: Run) -> str:
    """Who held a VIP at the same time."""
    together = dict.fromkeys(s.nodes for _, line in run.holders for s in line if len(s.nodes) > 1)
    return "two holders" if not together else f"two holders ({'; '.join(' and '.join(nodes) for nodes in together)})"
