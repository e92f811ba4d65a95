"""drain-for: a drain of the holder that ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab.faults.base import PATIENCE, Fault, Stage, until
from halbd.lab.faults.drain import STARTING, drain, judge, look_drained, needs_an_offer, say
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.verdict import Finding, length

LASTS = 5.0  # seconds
LATE = 1.5  # seconds for the command to be there, and for us to see the end


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    try:
        await drain(stage, "--for", f"{LASTS:g}")
        ended = asyncio.create_task(_ended(stage))
        try:
            yield injected
            stage.found.append(by_itself(injected, await ended))
        finally:
            ended.cancel()
    finally:
        await stage.unit.up(STARTING)
        await say(stage, "undrain", hint="nothing to do")


async def _ended(stage: Stage) -> float | None:
    """When the drain was over."""
    seen = await until(stage, lambda status: status.get("maintenance") is False, LASTS + PATIENCE)
    return None if seen is None else monotonic()


def by_itself(begun: float, ended: float | None) -> Finding:
    """Neither before its time nor much later."""
    took = None if ended is None else ended - begun
    wanted = f"after {length(LASTS * 1000)} to {length((LASTS + LATE) * 1000)}"
    got = length(None if took is None else took * 1000)
    return Finding("ended by itself", wanted, got, took is not None and LASTS <= took <= LASTS + LATE)


FAULT = Fault(
    name="drain-for",
    summary=f"`halbctl drain --for {LASTS:g}` on the node that holds the VIP, and no undrain",
    inflict=_inflict,
    observe=look_drained,
    judge=judge,
    impossible=needs_an_offer,
    self_healing=True,
    after=kept_with_halbd,
    holds="As drain; the drain ends by itself when its time is over, and the VIP comes back without an undrain.",
)
