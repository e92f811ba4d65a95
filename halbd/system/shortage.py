"""Errors that say something of this process or machine, and nothing of whoever was asked."""

from __future__ import annotations

import errno

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""No descriptor left for us, or for anybody; no memory (socket(2), accept(2))."""


def shortage(error: BaseException) -> bool:
    """Whether what failed failed here, for want of something, by the error or what it came of."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _OURS:
            return True
        cause = cause.__cause__ or cause.__context__
    return False
