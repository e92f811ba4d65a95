"""Tells systemd how things stand, once for every change, and that the loop turns."""

from __future__ import annotations

import time
from collections.abc import Iterator

from halbd.daemon.owner import read_clocks
from halbd.decide.holding import role
from halbd.decide.verdict import verdict
from halbd.model.state import State
from halbd.model.verdict import Verdict
from halbd.system.notify import Notifier

BECOMING = 60.0
"""Seconds without a sign of life that systemd allows while one program becomes the other.

On a machine under load the new one may need longer for its start than the unit's WatchdogSec=, and would be killed.
"""


class Teller:
    """Ready means: there is a verdict, so whoever asks gets an answer."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._said = ""
        self._ready = False
        self._stopping = False
        self._next_sign = 0.0

    def leave(self) -> None:
        """Another program takes this one's place: systemd sees the unit as reloading until that is ready."""
        self._notifier.allow(BECOMING)
        usec = int(time.monotonic() * 1_000_000)
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={usec}", "STATUS=becoming the newly installed program")

    def stay(self) -> None:
        """It does not: all is told anew."""
        self._said, self._ready, self._next_sign = "", False, 0.0

    def tell(self, state: State) -> None:
        """After every turn of the loop. What systemd does not take is told again after the next one."""
        now = read_clocks()
        answer = verdict(state, now)
        words = f"{role(state, now)}; {'; '.join(_wrong(state, answer)) or 'well'}"
        if words != self._said and self._notifier.send(f"STATUS={words}"):
            self._said = words
        if not self._ready and not answer.stale:
            self._ready = self._notifier.send("READY=1")
        if state.stopping and not self._stopping:
            self._stopping = self._notifier.send("STOPPING=1")
        interval = self._notifier.watchdog_interval
        if interval and time.monotonic() >= self._next_sign and self._sign():
            self._next_sign = time.monotonic() + interval

    def _sign(self) -> bool:
        """The first time as the unit has it: the program before this one may have asked for more."""
        return (self._next_sign > 0 or self._notifier.allow()) and self._notifier.send("WATCHDOG=1")


def _wrong(state: State, answer: Verdict) -> Iterator[str]:
    yield from (reason.detail for reason in answer.reasons)
    if idle := state.guard.idle:
        yield f"keepalived.service does not run, {idle.why}: this node takes no VIP"
    if nobody := state.guard.nobody:
        yield f"nobody is heard to hold {', '.join(map(str, nobody))}, and keepalived does not take it"
