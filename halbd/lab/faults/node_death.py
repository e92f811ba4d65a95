"""node-death: the holder is cut off from the network, as when its machine or its switch port dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until_moved
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    await stage.lab.network.plug(stage.victim, into=False)
    try:
        yield injected
    finally:
        await stage.lab.network.plug(stage.victim, into=True)


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    # RFC 5798, 6.1: Master_Down_Interval is three adverts and the skew time.
    limit = 3 * config.vrrp.advert_int + verdict.skew(config) + verdict.SLACK + verdict.shared(config)
    return (verdict.moved(numbers), verdict.outage(numbers, limit))


FAULT = Fault(
    name="node-death",
    summary="the network link of the node that holds the VIP is cut",
    inflict=_inflict,
    observe=until_moved,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="Another node takes the VIP within three adverts and the skew time.",
)
