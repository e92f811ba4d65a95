"""systemctl(1): what runs, and what will run after a reboot."""

from __future__ import annotations

from collections.abc import Sequence

from halbd.model.facts import Unit
from halbd.system.run import run

PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,InactiveEnterTimestampMonotonic,NRestarts"
DEADLINE = 5.0
"""Seconds."""


def units(names: Sequence[str]) -> dict[str, Unit]:
    """Each of them, also one that is not there (LoadState=not-found). Raises HalbdError."""
    words = run(["systemctl", "show", f"--property={PROPERTIES}", *names], DEADLINE).words
    return read(words)


def read(words: str) -> dict[str, Unit]:
    """The blocks of `systemctl show`, an empty line between two."""
    found = {}
    for block in words.split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        ran = said.get("InactiveEnterTimestampMonotonic", "0") not in {"", "0"}  # when it last stopped, 0: never
        if "Id" in said:
            unit = (said.get("LoadState", ""), said.get("ActiveState", ""), said.get("UnitFileState", ""))
            found[said["Id"]] = Unit(*unit, ran, said.get("SubState", ""), int(said.get("NRestarts") or 0))
    return found
