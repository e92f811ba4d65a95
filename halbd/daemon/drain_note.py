"""STATE_DIRECTORY/maintenance.json: a drain outlives the daemon and the machine's boot."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from halbd.decide.draining import resumed
from halbd.decide.status import stamp
from halbd.model.evidence import Now
from halbd.model.maintenance import Maintenance, Note
from halbd.system import files
from halbd.system.boot import boot_id


def write(path: Path, since: datetime, seconds: float | None, now: Now, *, force: bool) -> None:
    """Note a drain that ends in so many seconds, or by itself never. Raises OSError."""
    end = None if seconds is None else now.wall + timedelta(seconds=seconds)
    row = {
        "since": stamp(since),
        "for": seconds,
        "until": stamp(end) if end else None,
        "boot_id": boot_id(),
        "until_monotonic": None if seconds is None else now.mono + seconds,
        "force": force,
    }
    files.write(path, json.dumps(row).encode() + b"\n")


def read(path: Path, *, held: bool, now: Now) -> tuple[Maintenance | None, str]:
    """The drain that is in force, and what is wrong with its note. One whose time is over is removed.

    That the file is there is the operator's wish, its content only says until when. So one that cannot be read is a
    drain without an end: `halbctl status` shows it, `halbctl undrain` ends it, and a peer holds the VIP meanwhile.
    """
    try:
        one = resumed(_note(json.loads(path.read_bytes())), boot_id(), held=held, now=now)
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        why = f"cannot read {path}: {error}; drained until `halbctl undrain`"
        return Maintenance(now.wall, None, now.mono, withdrawn=None if held else now.mono), why
    if one is None:
        with contextlib.suppress(OSError):  # it says itself that it is over
            files.remove(path)
    return one, ""


def _note(row: dict[str, Any]) -> Note:
    seconds, monotonic, end = row["for"], row["until_monotonic"], row["until"]
    return Note(
        since=datetime.fromisoformat(row["since"]).astimezone(UTC),
        seconds=None if seconds is None else _number(seconds),
        until=None if end is None else datetime.fromisoformat(end).astimezone(UTC),
        boot=str(row["boot_id"]),
        monotonic=None if monotonic is None else _number(monotonic),
        force=row.get("force") is True,  # an older halbd did not note it
    )


def _number(value: object) -> float:
    """Raises ValueError."""
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} is no number of seconds")
    return float(value)
