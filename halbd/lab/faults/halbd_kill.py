"""halbd-kill: the daemon dies without a word; systemd starts it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Cost, Fault, Stage, never_impossible
from halbd.lab.faults.kept import kept
from halbd.lab.measure import Numbers
from halbd.lab.units import RESTART_SEC
from halbd.lab.verdict import Finding
from halbd.model.config import Config

STARTING = 10.0  # seconds for a daemon to start and to answer


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    stage.unit.kill()
    yield injected


async def _observe(stage: Stage) -> None:
    """Until the next daemon answers, and some checks of keepalived longer."""
    await stage.look_on(RESTART_SEC)
    await stage.unit.up(STARTING)
    await stage.look_on(3.0)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="halbd-kill",
    summary="SIGKILL of halbd on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    self_healing=True,
    after=kept,
    cost=Cost.NOTHING,
    holds="The VIP stays and no connection fails; the next daemon takes up the same proxy and the same keepalived.",
)
