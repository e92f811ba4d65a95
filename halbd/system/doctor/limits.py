"""How many files the daemon may open."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

from halbd.model.config import Config
from halbd.model.errors import HalbdError
from halbd.model.facts import OpenFiles
from halbd.system.limits import descriptors, raise_file_limit
from halbd.system.run import run

DEADLINE = 5.0
"""Seconds."""


def of_unit(config: Config, unit: str) -> OpenFiles:
    """By LimitNOFILE= of a unit; where that is infinity, fs.nr_open. Raises OSError, HalbdError.

    Where not even root may have so many, as in a container, systemd cannot give them either, and does not say so.
    """
    here = of_this_process(config)
    if os.geteuid() == 0 and here.allowed < here.needed:
        return here
    said = run(["systemctl", "show", "--property=LimitNOFILE", "--value", unit], DEADLINE).words
    most = int(Path("/proc/sys/fs/nr_open").read_text())
    return OpenFiles(descriptors(config), int(said) if said.isdecimal() else most, f"{unit} (LimitNOFILE)")


def of_this_process(config: Config) -> OpenFiles:
    """What root is allowed here: this process asks for it as the daemon does at its start."""
    with contextlib.suppress(HalbdError):
        raise_file_limit(config)
    return OpenFiles(descriptors(config), resource.getrlimit(resource.RLIMIT_NOFILE)[1], "this machine")
