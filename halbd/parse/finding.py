"""What a check of the file found: where, in keys and list positions, not yet with a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""The way from the top of the file to a value: ("frontends", 0, "port")."""

_SHOWN = 60
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong at a place, and what to write instead."""

    place: Place
    what: str
    hint: str = ""


def where(place: Place) -> str:
    """The place as operators write it: frontends[0].check.ca_file."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _KEY.fullmatch(step) else show(step))
    return text


def show(value: object) -> str:
    """A value of the file in one short line: control characters escaped, so that no log line can be forged."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple):
        return "a list"
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
