"""upgrade: `halbctl upgrade` on the holder: the daemon becomes the installed program, in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, never_impossible
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.reloading import halbctl
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    code, said = await halbctl(stage, "upgrade")
    stage.unit.absent(injected, monotonic())
    stage.found.append(Finding("halbctl upgrade", "exit 0", f"exit {code}: {said[-200:]}", code == 0))
    yield injected


async def _observe(stage: Stage) -> None:
    await stage.look_on(3 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="upgrade",
    summary="`halbctl upgrade` on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    self_healing=True,
    after=kept_with_halbd,
    cost=Cost.NOTHING,
    holds="The VIP stays and no connection fails; the daemon keeps its process, its proxy and its keepalived.",
)
