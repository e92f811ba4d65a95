"""The two outputs: answers on stdout, complaints on stderr."""

from __future__ import annotations

import json
import sys


def say(text: str) -> None:
    """One answer, a line or several."""
    sys.stdout.write(f"{text}\n")


def say_json(value: object) -> None:
    """One answer for scripts."""
    say(json.dumps(value, indent=2))


def complain(text: str) -> None:
    """One complaint."""
    sys.stderr.write(f"{text}\n")
