"""This machine, as far as the parser must know it."""

from __future__ import annotations

import os
import stat
from ipaddress import ip_interface
from pathlib import Path

from halbd.model.host import Host, HostAddress, SecretFile
from halbd.system.process import interfaces


def gather(configuration: Path) -> Host:
    """The addresses that this network namespace carries now; `configuration` is where relative names start."""
    return Host(tuple(HostAddress(name, ip_interface(text)) for name, text in interfaces()), configuration)


def read_file(path: Path) -> bytes:
    """Read a file that the config names. Raises OSError."""
    return path.read_bytes()


def read_secret(path: Path) -> SecretFile:
    """Read a secret with the mode of the very file that was opened. Raises OSError."""
    with path.open("rb") as file:
        return SecretFile(file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))
