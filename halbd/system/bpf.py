"""Filters on sockets, in classic BPF (linux/filter.h)."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from ctypes import addressof, create_string_buffer

SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27
SO_LOCK_FILTER = 44
"""socket(7), asm-generic/socket.h."""

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


def attach(one: socket.socket, program: Sequence[Instruction]) -> None:
    """Let through to the socket what the program returns another number than 0 for. Raises OSError."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = create_string_buffer(code, len(code))
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), addressof(buffer)))


def lock(one: socket.socket) -> None:
    """Nobody can change or remove the socket's filter any more. Raises OSError."""
    one.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)


def detach(one: socket.socket) -> None:
    """Let everything through again. Raises OSError."""
    try:
        one.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
