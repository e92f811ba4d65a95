"""adjtimex(2): whether somebody keeps the clock right."""

from __future__ import annotations

import ctypes

STA_UNSYNC = 0x40
"""linux/timex.h."""


class _Timex(ctypes.Structure):
    """The beginning of struct timex, and room for the rest of it (208 octets in all, on 64-bit machines)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def synchronised() -> bool:
    """As NTP's daemon, whichever it is, has told the kernel. It sets nothing, so it needs no root. Raises OSError."""
    timex = _Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, "adjtimex failed")
    return not timex.status & STA_UNSYNC
