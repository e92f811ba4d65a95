"""Colour only for a person at a terminal, columns that line up, lines that fit."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

CODES = {"good": "32", "bad": "1;31", "odd": "33", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Paint:
    """How to write: `width` in columns, None where nobody looks (a pipe, a file): then nothing is cut."""

    colour: bool = False
    width: int | None = None

    @classmethod
    def of_stdout(cls) -> Paint:
        """Colour and width where stdout is a terminal; NO_COLOR (no-color.org) turns the colour off."""
        if not sys.stdout.isatty():
            return cls()
        colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(colour, max(40, shutil.get_terminal_size().columns))

    def __call__(self, style: str, text: str) -> str:
        """The text in a style of CODES; "" is plain."""
        return f"\x1b[{CODES[style]}m{text}\x1b[0m" if self.colour and style and text else text

    def cut(self, text: str, used: int = 0) -> str:
        """The text as far as it fits behind `used` columns."""
        if self.width is None or len(text) <= (room := max(1, self.width - used)):
            return text
        return text[: room - 1] + "…"


def columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Pad every cell but a row's last to the widest of its column."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows), default=0))]
    return [[cell.ljust(widths[i]) for i, cell in enumerate(row[:-1])] + [*row[-1:]] for row in rows]


def printable(text: object) -> str:
    """On one line and without control characters: a peer's words must not drive the terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))
