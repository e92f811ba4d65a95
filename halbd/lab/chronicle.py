"""Whether a node's history tells all that its kernel told: complete, in order, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from halbd.lab.measure import Change
from halbd.lab.units import Absence, Unit

UNREAD = 0.2  # seconds before its end within which a daemon may not have come to what the kernel told


@dataclass(frozen=True, slots=True)
class Told:
    """What the kernel told of a VIP on an interface.

    It is not `sure` while no daemon was there to hear it: only the outcome is then.
    """

    place: str
    gained: bool
    sure: bool = True


def covers(told: Sequence[Told], written: Sequence[tuple[str, bool]]) -> str:
    """What is wrong with the history `written` (place, gained) of what was `told`; "" when nothing is. Per place."""
    places = dict.fromkeys([*(one.place for one in told), *(place for place, _ in written)])
    wrong = (_covers(at, [t for t in told if t.place == at], [g for p, g in written if p == at]) for at in places)
    return "; ".join(words for words in wrong if words)


def _covers(place: str, told: Sequence[Told], written: Sequence[bool]) -> str:
    """Every sure one, in order; of those that are not sure any, as long as gains and losses take turns."""
    if all(sooner != later for sooner, later in pairwise(written)) and _fits(told, written):
        return ""
    kernel = " ".join(_word(one.gained) + ("" if one.sure else "?") for one in told) or "nothing"
    return f"{place}: the kernel told {kernel}, the history has {' '.join(map(_word, written)) or 'nothing'}"


def _fits(told: Sequence[Told], written: Sequence[bool]) -> bool:
    """`written` is what remains of `told` when some of the unsure ones are left out."""
    reached = {0}  # how much of `written` can have been matched so far
    for one in told:
        matched = {i + 1 for i in reached if i < len(written) and written[i] == one.gained}
        reached = matched if one.sure else matched | reached
    return len(written) in reached


def _word(gained: bool) -> str:
    return "gained" if gained else "lost"


def _place(vip: object, interface: object) -> str:
    return f"{vip} on {interface}"


class Chronicle:
    """Follows one node's history.jsonl from check to check."""

    def __init__(self, node: str, file: Path, unit: Unit) -> None:
        self._node, self._file, self._unit = node, file, unit
        self._known: list[dict[str, Any]] = []
        self._removed = False
        self._hindered: float | None = None
        self._lost_since: float | None = None

    def removed(self) -> None:
        """The file is gone, by the lab's own hand: it may begin anew, or be put back from memory."""
        self._removed = True

    def hindered(self, since: float | None) -> None:
        """From `since` (None: no longer) it cannot be written; a daemon that ends meanwhile takes its lines along."""
        if since is None and self._hindered is not None and self._ends_after(self._hindered):
            self._lost_since = self._hindered
        self._hindered = since

    def _ends_after(self, since: float) -> bool:
        return any(end.at >= since for end in self._unit.ends)

    def compare(self, changes: Iterable[Change]) -> str:
        """What is wrong with the lines since the last settle(); "" when nothing is."""
        rows = self._new()
        if rows is None:
            return f"{self._node}: earlier lines of the history are no longer as they were"
        told = [Told(_place(one.vip, one.interface), one.gained, self._sure(one.at)) for one in changes]
        written = [(_place(row.get("vip"), row.get("interface")), row.get("change") == "gained") for row in rows]
        wrong = covers(told, written)
        return wrong and f"{self._node}: {wrong}"

    def lost(self) -> tuple[str, ...]:
        """The causes of the losses written since the last settle()."""
        return tuple(str(row.get("cause")) for row in self._new() or () if row.get("change") == "lost")

    def settle(self) -> None:
        """What is written now has been checked."""
        self._known, self._removed, self._lost_since = self._read(), False, None

    def _sure(self, at: float) -> bool:
        if self._lost_since is not None and at >= self._lost_since:
            return False
        return not any(_within(at, absence) for absence in self._unit.absences)

    def _new(self) -> list[dict[str, Any]] | None:
        rows, known = self._read(), self._known
        if rows[: len(known)] == known:
            return rows[len(known) :]
        if not self._removed:
            return None
        kept = next((n for n in range(len(known), -1, -1) if rows[:n] == known[len(known) - n :]), 0)
        return rows[kept:]

    def _read(self) -> list[dict[str, Any]]:
        try:
            # Blanks are the lab's own: state-full leaves no room at the end of the last page.
            return [json.loads(line) for line in self._file.read_text().splitlines() if line.strip()]
        except OSError:
            return []
        except ValueError:
            return [{"torn": self._file.read_text(errors="replace")[-200:]}]


def _within(at: float, absence: Absence) -> bool:
    return at >= absence.since - UNREAD and (absence.until is None or at <= absence.until)
