"""This machine, as far as the parser must know it."""

from __future__ import annotations

import errno
import os
import stat
from ipaddress import ip_interface
from pathlib import Path

from halbd.model.host import Host, HostAddress, SecretFile
from halbd.system.process import interfaces

LONGEST = 1 << 20
"""Bytes of a file that the config names; the parser refuses a config that is longer."""


def gather(configuration: Path) -> Host:
    """The addresses that this network namespace carries now; `configuration` is where relative names start."""
    return Host(tuple(HostAddress(name, ip_interface(text)) for name, text in interfaces()), configuration)


def read_file(path: Path) -> bytes:
    """Read the config, or a file that it names. Raises OSError."""
    return _bounded(path)[0]


def read_secret(path: Path) -> SecretFile:
    """Read a secret with the mode of the very file that was opened. Raises OSError."""
    return SecretFile(*_bounded(path))


def _bounded(path: Path) -> tuple[bytes, int]:
    """The content and the mode. Only a regular file of sane size: a FIFO would never end, and /dev/zero neither."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return file.read(LONGEST + 1), stat.S_IMODE(status.st_mode)
