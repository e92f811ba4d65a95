"""Rise and fall: how many equal answers in a row it takes to change one's mind."""

from __future__ import annotations

from halbd.model.evidence import Streak
from halbd.model.replacing import replace


def observe(streak: Streak, *, ok: bool, rise: int, fall: int, now: float) -> Streak:
    """Count one answer. The first one of all decides at once, as keepalived's scripts do (keepalived.conf(5))."""
    run = streak.run + 1 if streak.run and ok == streak.last_ok else 1
    up = streak.up
    if up is None or run >= (rise if ok else fall):
        up = ok
    began = streak.failing_since if streak.failing_since is not None else now
    failing_since = None if ok and up else began
    return replace(streak, up=up, run=run, last_ok=ok, failing_since=failing_since)
