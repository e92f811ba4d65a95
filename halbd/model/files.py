"""What the renderers make: texts with names and modes, not yet on any disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class File:
    """One rendered file. A secret one is 0600 and never shown in a diff."""

    name: str
    text: str
    secret: bool = False

    @property
    def mode(self) -> int:
        """The permission bits it is written with."""
        return 0o600 if self.secret else 0o644


@dataclass(frozen=True, slots=True)
class FileSet:
    """All files of one generation, ordered by name."""

    files: tuple[File, ...]

    def text(self, name: str) -> str:
        """The text of the file of that name, or "" where there is none."""
        return next((file.text for file in self.files if file.name == name), "")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rendered files must name of the machine: folders, accounts, the command that keepalived runs.

    `check_command` is an argument list whose first word is an interpreter that is always there: keepalived counts a
    script that cannot be exec'ed as a success, an interpreter that cannot open its script as a failure.
    """

    runtime: Path
    state: Path
    script_user: str
    check_command: tuple[str, ...]
