"""vrrp-blocked: a firewall drops VRRP (IP protocol 112) at the holder; no node hears the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, needs_two_nodes, until_moved
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

VRRP = ["meta l4proto 112"]


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    table = await stage.lab.network.drop(stage.victim, incoming=VRRP, outgoing=VRRP)
    try:
        yield injected
    finally:
        await stage.lab.network.allow(stage.victim, table)


async def _observe(stage: Stage) -> None:
    """Until another node has taken the VIP, and long enough to see what clients make of two holders."""
    await until_moved(stage)
    await stage.lab.holders.until(lambda: False, 2 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.both_held(numbers), verdict.within("one holder", numbers.one_holder_ms, 1.0))


FAULT = Fault(
    name="vrrp-blocked",
    summary="VRRP is dropped at the node that holds the VIP: no node hears the other",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    elsewhere=Cost.MOVE,
    holds="Two holders are seen and reported; once the nodes hear each other again, one is left within 1 s.",
)
