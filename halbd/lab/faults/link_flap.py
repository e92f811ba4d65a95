"""link-flap: the holder's link goes down and up every 300 ms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

HOLD = 20.0  # seconds
HALF = 0.3  # seconds down, and the same up


async def _flap(stage: Stage) -> None:
    network = stage.lab.network
    try:
        while True:
            for into in (False, True):
                await network.plug(stage.victim, into=into)
                await asyncio.sleep(HALF)
    finally:
        await network.plug(stage.victim, into=True)


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    flapping = asyncio.create_task(_flap(stage))
    try:
        yield injected
    finally:
        flapping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flapping


async def _observe(stage: Stage) -> None:
    await stage.look_on(stage.lasting(HOLD))


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.damped(numbers),)


FAULT = Fault(
    name="link-flap",
    summary="the link of the node that holds the VIP goes down and up every 300 ms, for 20 s or --hold",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="The VIP moves once at most, and comes back at most once.",
)
