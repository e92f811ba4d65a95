"""What the parser must know of the machine that it stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import TypeAlias

ReadFile: TypeAlias = Callable[[Path], bytes]
"""Reads a file that the config names (a CA). Raises OSError."""


@dataclass(frozen=True, slots=True)
class SecretFile:
    """The content of a secret's file and its permission bits, both of the same open file. Never shown."""

    content: bytes = field(repr=False)
    mode: int


ReadSecret: TypeAlias = Callable[[Path], SecretFile]
"""Reads a secret that the config names, with the mode that it has at that moment (fstat). Raises OSError."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """One address that an interface carries now, with its prefix length."""

    interface: str
    address: IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class Host:
    """This machine: its addresses, and the folder that relative file names in the config start from."""

    addresses: tuple[HostAddress, ...]
    configuration: Path
