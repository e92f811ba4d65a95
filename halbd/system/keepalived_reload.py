"""keepalived is told to read its config anew, and never while it still checks that for an earlier SIGHUP.

It checks a new config in a process of its own first (`reload_check_config`, keepalived.conf(5)). In 2.2.7, and by its
source up to 2.4.3, a second SIGHUP meanwhile begins a second check, and the two read from one descriptor: a good config
is refused, or read twice over, at which the VRRP process ends by SIGSEGV and its VIPs leave.
"""

from __future__ import annotations

import contextlib
import os
import time
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


def reload(who: Identity, patience: float = PATIENCE) -> None:
    """SIGHUP to keepalived's parent, which tells its own child (keepalived(8)); one that has gone needs none.

    It waits before the signal, not after: once keepalived acts on the new config, halbd has to be on it as well.

    Raises:
        FailedError: an earlier check does not end within `patience` seconds.
    """
    if _waits(who.pid):
        return  # it will read what is in place now
    time.sleep(BEGUN)
    end = time.monotonic() + patience
    while checks(who.pid):
        if time.monotonic() > end:
            raise FailedError("cannot reload keepalived: it is still at the check of its config for an earlier reload")
        time.sleep(STEP)
    if process.identity(who.pid) != who:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(who.pid, SIGHUP)


def checks(pid: int) -> list[int]:
    """Its processes that check a config which it is to take up."""
    return [
        one
        for one in process.family(pid)
        if any(word.startswith("--config-test") for word in process.arguments_of(one))
    ]


def _waits(pid: int) -> bool:
    """A signal that it was sent is still pending (ShdPnd in proc_pid_status(5))."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    pending = next((int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:")), 0)
    return bool(pending & 1 << SIGHUP - 1)
