"""drain-reboot: a drained node goes down, and boots anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults import drain
from halbd.lab.faults.base import AFTER, Fault, Stage, until_moved
from halbd.lab.measure import Numbers
from halbd.lab.power import boot, go_down
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    try:
        await drain.drain(stage)
        try:
            await go_down(stage.lab, stage.victim)
            await stage.look_on(AFTER)
        finally:
            await boot(stage.lab, stage.victim)
        await drain.still_drained(stage, "a boot")
        yield injected
    finally:
        await drain.undrain(stage)


async def _observe(stage: Stage) -> None:
    await until_moved(stage)


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """Where nodes are servers too, one goes down with it: then new connections wait for the proxy to drop it."""
    if verdict.shared(config):
        return (verdict.moved(numbers), verdict.none_at_most(numbers, verdict.BREAK), verdict.back(numbers))
    return drain.judge(config, numbers)


FAULT = Fault(
    name="drain-reboot",
    summary="`halbctl drain` on the node that holds the VIP, which then loses its power and boots anew; then undrain",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=drain.needs_an_offer,
    holds="After the boot the role is maintenance still, and the VIP stays on the peer until the undrain; the rest as "
    "drain.",
)
