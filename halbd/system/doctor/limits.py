"""How many files the daemon may open."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

from halbd.model.config import Config
from halbd.model.errors import HalbdError
from halbd.model.facts import OpenFiles, Unit
from halbd.system.limits import descriptors, raise_file_limit
from halbd.system.run import run

HALBD = "halbd.service"


def open_files(config: Config, halbd: Unit | None) -> OpenFiles:
    """By the unit, where there is one; else by what this very process is allowed when it asks as the daemon does.

    Raises:
        OSError, HalbdError, ValueError: it cannot be told.
    """
    needed = descriptors(config)
    if halbd is not None and halbd.load == "loaded":
        said = run(["systemctl", "show", "--property=LimitNOFILE", "--value", HALBD], 5).words
        most = int(Path("/proc/sys/fs/nr_open").read_text())
        return OpenFiles(needed, int(said) if said.isdecimal() else most, f"{HALBD} (LimitNOFILE)")
    with contextlib.suppress(HalbdError):
        raise_file_limit(config)
    return OpenFiles(needed, resource.getrlimit(resource.RLIMIT_NOFILE)[1], "this machine")
