"""The pid files that keepalived looks into before it starts."""

from __future__ import annotations

import os
import re
from pathlib import Path

from halbd.model.service import PidFile
from halbd.system import process

FOLDER = Path("/run")
"""Where a keepalived has them that is told no other place, as every distribution's service is."""
NAMES = ("keepalived.pid", "vrrp.pid", "checkers.pid", "bfd.pid")
"""Each of its processes has one, and a start is refused for any."""
ZOMBIE = "a zombie"


def blocking(folder: Path | None = None) -> tuple[PidFile, ...]:
    """Those for which a keepalived that starts now says "daemon is already running" and ends, with exit code 0.

    It asks only whether a process has that number (keepalived/core/pidfile.c, process_running): another program that
    was given it since, and a zombie, do as well. So does a file without a number, such as an empty one.
    """
    paths = ((folder or FOLDER) / name for name in NAMES)
    return tuple(found for path in paths if (found := _blocking(path)))


def _blocking(path: Path) -> PidFile | None:
    try:
        number = re.match(rb"\s*[+-]?\d+", path.read_bytes())  # as fscanf(3) has it
    except OSError:
        return None  # nor can keepalived read it
    pid = int(number[0]) if number else 0
    if pid == 0:
        return PidFile(str(path))
    return PidFile(str(path), pid, _program(pid)) if _exists(pid) else None


def _exists(pid: int) -> bool:
    """kill(2) with no signal: a process that is not ours to signal exists."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _program(pid: int) -> str:
    """Its name (proc_pid_comm(5)), empty where it cannot be told."""
    return process.name_of(pid) if process.identity(pid) else ZOMBIE
