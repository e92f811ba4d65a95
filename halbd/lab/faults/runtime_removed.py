"""runtime-removed: somebody deletes the daemon's runtime folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, never_impossible, until
from halbd.lab.faults.removing import remove
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

AGAIN = 10.0  # seconds for the daemon to be reached by its socket again


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    remove(stage.paths.runtime)
    yield injected


async def _observe(stage: Stage) -> None:
    took = await until(stage, bool, AGAIN)
    stage.found.append(verdict.within("socket back", None if took is None else took * 1000, AGAIN))
    await stage.look_on(5 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="runtime-removed",
    summary="the runtime folder is deleted on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    self_healing=True,
    cost=Cost.NOTHING,
    holds="The node serves on and nothing moves; the folder, its socket and what keepalived watches are put back.",
)
