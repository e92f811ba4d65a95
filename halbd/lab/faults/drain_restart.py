"""drain-restart: a drained node whose daemon is killed, and then stopped and started again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab.faults.base import Fault, Stage, until_moved
from halbd.lab.faults.drain import drain, judge, needs_an_offer, still_drained, undrain


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    try:
        await drain(stage)
        stage.unit.kill()
        await stage.unit.ended()
        await still_drained(stage, "a kill")
        stage.unit.terminate()
        await stage.unit.gone()
        stage.unit.start()
        await still_drained(stage, "a restart")
        yield injected
    finally:
        stage.unit.start()
        await undrain(stage)


async def _observe(stage: Stage) -> None:
    await until_moved(stage)


FAULT = Fault(
    name="drain-restart",
    summary="`halbctl drain` on the node that holds the VIP; SIGKILL of halbd, later SIGTERM and a start; then undrain",
    inflict=_inflict,
    observe=_observe,
    judge=judge,
    impossible=needs_an_offer,
    holds="After the kill and after the restart the role is maintenance still, and the VIP stays on the peer until the "
    "undrain; the rest as drain.",
)
