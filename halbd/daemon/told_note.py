"""STATE_DIRECTORY/told.json: what keepalived.service has been told outlives the daemon, and is known after a boot."""

from __future__ import annotations

import json
from pathlib import Path

from halbd.model.told import Owes, Told
from halbd.system import files


def write(path: Path, told: Told) -> None:
    """Raises OSError."""
    row = {"pid": told.pid, "start_ticks": told.start_ticks, "written": told.written, "owes": told.owes.value}
    files.write(path, json.dumps(row).encode() + b"\n")


def read(path: Path) -> Told:
    """Where there is no note, as after an update from a halbd that made none, a reload is owed."""
    try:
        row = json.loads(path.read_bytes())
        return Told(int(row["pid"]), int(row["start_ticks"]), str(row["written"]), Owes(row["owes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Told()
