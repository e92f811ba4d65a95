"""One thing that is wrong in the operator's file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Where, what, and what to write instead. `line` counts from 1; 0 means the file as a whole."""

    line: int
    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        """One line: "line 12: frontends[0].port: 70000 is not a port; write a number from 1 to 65535"."""
        place = f"line {self.line}: " if self.line else ""
        where = f"{self.where}: " if self.where else ""
        return f"{place}{where}{self.what}" + (f"; {self.hint}" if self.hint else "")
