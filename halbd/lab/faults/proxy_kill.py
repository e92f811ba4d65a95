"""proxy-kill: the proxy dies without a word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGKILL
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until_moved
from halbd.lab.faults.proxy import proxy_pid
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    pid = await proxy_pid(stage)
    injected = monotonic()
    stage.lab.signal(stage.victim, pid, SIGKILL)
    yield injected


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.moved(numbers), verdict.outage(numbers, verdict.skew(config) + verdict.SLACK))


FAULT = Fault(
    name="proxy-kill",
    summary="SIGKILL of the proxy on the node that holds the VIP",
    inflict=_inflict,
    observe=until_moved,
    judge=_judge,
    impossible=needs_two_nodes,
    self_healing=True,
    holds="The VIP moves at once; the outage is no longer than the skew time.",
)
