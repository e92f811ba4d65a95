"""The one place where a program is run to its end: an argument list, a deadline, and its words when it refuses."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from halbd.model.errors import HalbdError

DEADLINE = 20.0
"""Seconds a checker or a service manager may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: `code` is negative for a signal; `words` are both its outputs."""

    code: int
    words: str


def run(arguments: Sequence[str], deadline: float = DEADLINE) -> Outcome:
    """Run a program to its end.

    Raises:
        HalbdError: it is not installed, may not be run, or does not end within `deadline` seconds.
    """
    done = _run(arguments, b"", subprocess.STDOUT, deadline)
    return Outcome(done.returncode, done.stdout.decode(errors="replace").strip())


def produce(arguments: Sequence[str], given: bytes, deadline: float = DEADLINE) -> bytes:
    """Run a program that makes bytes of bytes.

    Raises:
        HalbdError: as `run`; or it failed, with the last of its words.
    """
    done = _run(arguments, given, subprocess.PIPE, deadline)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise HalbdError(f"cannot run {arguments[0]}: exit {done.returncode}: {''.join(words)}")
    return done.stdout


def _run(arguments: Sequence[str], given: bytes, errors: int, deadline: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            list(arguments), input=given, stdout=subprocess.PIPE, stderr=errors, timeout=deadline, check=False
        )
    except FileNotFoundError as error:
        raise HalbdError(f"cannot run {arguments[0]}: it is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise HalbdError(f"cannot run {arguments[0]}: it did not end within {deadline:g} s") from error
    except OSError as error:
        raise HalbdError(f"cannot run {arguments[0]}: {error.strerror}") from error
