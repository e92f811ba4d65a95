"""keepalived is told to read its config anew, and never while it still checks that for an earlier SIGHUP.

It checks a new config in a process of its own first (`reload_check_config`, keepalived.conf(5)). In 2.2.7, and by its
source up to 2.4.3, a second SIGHUP meanwhile begins a second check, and the two read from one descriptor: a good config
is refused, or read twice over, at which the VRRP process ends by SIGSEGV and its VIPs leave.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGHUP

from halbd.model.errors import FailedError
from halbd.system import process
from halbd.system.process import Identity

PATIENCE = 8.0
"""Seconds that a check may take: keepalived ends it by SIGTERM after 5, and by SIGKILL 2 later."""
BEGUN = 0.2
"""Seconds from a signal that is taken in until its check is seen, on a busy machine."""
STEP = 0.02
"""Seconds between two looks."""


def reload(who: Identity) -> None:
    """SIGHUP to keepalived's parent, which tells its own child (keepalived(8)); one that has gone needs none.

    It waits before the signal, not after: once keepalived acts on the new config, halbd has to be on it as well.

    Raises:
        FailedError: an earlier check does not end.
    """
    if _waits(who.pid):
        return  # it will read what is in place now
    time.sleep(BEGUN)
    _until(lambda: not _checks(who.pid), "it is still at the check of its config for an earlier reload")
    if process.identity(who.pid) != who:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(who.pid, SIGHUP)


def _until(sign: Callable[[], bool], why: str) -> None:
    end = time.monotonic() + PATIENCE
    while not sign():
        if time.monotonic() > end:
            raise FailedError(f"cannot reload keepalived: {why}")
        time.sleep(STEP)


def _checks(pid: int) -> bool:
    """One of its processes is the check."""
    words = (word for one in process.family(pid) for word in process.arguments_of(one))
    return any(word.startswith("--config-test") for word in words)


def _waits(pid: int) -> bool:
    """A signal that it was sent is still pending (ShdPnd in proc_pid_status(5))."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    pending = next((int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:")), 0)
    return bool(pending & 1 << SIGHUP - 1)
