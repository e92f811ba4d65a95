"""halbd-hang: the daemon is there and does nothing, for longer than any of its answers stays fresh."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGCONT, SIGSTOP
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Cost, Fault, Stage, never_impossible
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

HOLD = 60.0  # seconds


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    daemon = stage.unit.pid
    injected = monotonic()
    stage.unit.signal(SIGSTOP)
    try:
        yield injected
    finally:
        if stage.unit.pid == daemon:
            stage.unit.signal(SIGCONT)


async def _observe(stage: Stage) -> None:
    await stage.look_on(stage.lasting(HOLD))


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="halbd-hang",
    summary="SIGSTOP of halbd on the node that holds the VIP, for 60 s or --hold",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    after=kept_with_halbd,
    cost=Cost.NOTHING,
    holds="The VIP stays and no connection fails; afterwards the daemon goes on with the same proxy and keepalived. "
    "(systemd would end it after WatchdogSec: that is halbd-kill.)",
)
