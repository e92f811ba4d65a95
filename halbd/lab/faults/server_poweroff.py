"""server-poweroff: one API server's machine goes silent; connections to it hang instead of failing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.decide.timing import proxy_drop_time
from halbd.lab import verdict
from halbd.lab.errors import LabError
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, needs_two_servers
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    server = stage.lab.plan.server_on_its_own()
    if server is None:
        raise LabError(f"cannot power off a server: {_impossible(stage.lab.plan)}")
    injected = monotonic()
    await stage.lab.network.plug(server.machine, into=False)
    try:
        yield injected
    finally:
        await stage.lab.network.plug(server.machine, into=True)


async def _observe(stage: Stage) -> None:
    await stage.lab.holders.until(lambda: False, proxy_drop_time(stage.frontend) + 2 * AFTER)


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.stayed(numbers), verdict.outage(numbers, proxy_drop_time(config.frontends[0])))


def _impossible(plan: Plan) -> str:
    shared = "" if plan.server_on_its_own() else "every server shares its machine with a node"
    return needs_two_servers(plan) or shared


FAULT = Fault(
    name="server-poweroff",
    summary="one API server falls silent: connections to it hang",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=_impossible,
    elsewhere=Cost.MOVE,
    holds="Nothing moves; the outage is no longer than the proxy takes to drop a server.",
)
