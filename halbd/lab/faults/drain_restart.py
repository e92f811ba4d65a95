"""drain-restart: a drained node whose daemon is killed, and then stopped and started again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, Fault, Stage, needs_two_nodes, until, until_moved, without_vip
from halbd.lab.faults.drain import STARTING, judge, say, undrain


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    try:
        await say(stage, "drain")
        stage.unit.kill()
        await stage.unit.ended()
        await _still(stage, "a kill")
        stage.unit.terminate()
        await stage.unit.gone()
        stage.unit.start()
        await _still(stage, "a restart")
        yield injected
    finally:
        stage.unit.start()
        await undrain(stage)


async def _still(stage: Stage, what: str) -> None:
    """The next daemon knows that it is drained, and gives the VIP no reason to come back."""
    known = await until(stage, lambda status: bool(status.get("maintenance")), STARTING)
    stage.found.append(verdict.yes(f"drained after {what}", "no", ok=known is not None))
    await stage.look_on(AFTER)
    stage.found.append(without_vip(stage))


async def _observe(stage: Stage) -> None:
    await until_moved(stage)


FAULT = Fault(
    name="drain-restart",
    summary="`halbctl drain` on the node that holds the VIP; SIGKILL of halbd, later SIGTERM and a start; then undrain",
    inflict=_inflict,
    observe=_observe,
    judge=judge,
    impossible=needs_two_nodes,
    holds="The node is drained still, and without the VIP, after the kill and after the restart; the VIP comes back at "
    "the end; no connection begun meanwhile fails or is slow.",
)
