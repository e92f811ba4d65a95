"""What `halbctl doctor` says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """In the order in which they are shown. `unknown` is what could not be looked at: never counted as fine."""

    WRONG = "wrong"
    WARNING = "warning"
    UNKNOWN = "unknown"
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Said:
    """One judgement of a check: what is so, and the command (or the edit) that cures it."""

    severity: Severity
    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement under the name of its check, with why that matters."""

    check: str
    group: str
    said: Said
    why: str
