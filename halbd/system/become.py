"""execve(2): this process becomes another program, with its PID, its children and its environment.

Every descriptor that Python opens is closed by it (PEP 446). The mask of blocked signals and what is pending outlive it
(signal(7)), so no SIGTERM is lost between the two programs.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HELD = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that wait until the new program has handlers for them: before that each would end it at once."""


def command() -> list[str]:
    """What starts the program that is installed where ours was, with the arguments that ours was given.

    A script goes by its own name: its first line names the interpreter, and that may be another one by now.
    """
    script = sys.orig_argv[len(sys.orig_argv) - len(sys.argv)]
    if script == sys.argv[0] and _is_script(Path(script)):
        return [str(Path(script).absolute()), *sys.argv[1:]]
    return [sys.executable, *sys.orig_argv[1:]]


def become(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Never returns.

    Raises:
        OSError: the program cannot be executed; nothing has changed.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        os.execve(words[0], list(words), dict(environment))  # noqa: S606  # an argument list, as everywhere
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_in() -> None:
    """There are handlers now: what waited comes."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)


def _is_script(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!" and os.access(path, os.X_OK)
    except OSError:
        return False
