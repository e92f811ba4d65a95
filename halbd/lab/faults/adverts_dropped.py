"""adverts-dropped: a bad link loses some of the holder's VRRP adverts, one here and one there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

HOLD = 60.0  # seconds
LOST = ["meta l4proto 112 numgen random mod 100 < 30"]


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    table = await stage.lab.network.drop(stage.victim, incoming=[], outgoing=LOST)
    try:
        yield injected
    finally:
        await stage.lab.network.allow(stage.victim, table)


async def _observe(stage: Stage) -> None:
    """Some must have been lost: else nothing has been played."""
    await stage.look_on(stage.lasting(HOLD))
    lost = await stage.lab.network.dropped(stage.victim)
    stage.found.append(Finding("adverts lost", "some", str(lost), lost > 0))


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.damped(numbers),)


FAULT = Fault(
    name="adverts-dropped",
    summary="30 % of the VRRP adverts of the node that holds the VIP are lost, for 60 s or --hold",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="The VIP moves once at most, and comes back at most once.",
)
