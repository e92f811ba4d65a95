"""all-servers-down: an outage behind the proxies, which moving the VIP cannot cure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Cost, Fault, Stage, never_impossible
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config, OnNoServers

HOLD = 30.0  # seconds


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    servers = stage.lab.plan.servers
    injected = monotonic()
    for server in servers:
        await stage.lab.kill_server(server)
    try:
        yield injected
    finally:
        await asyncio.gather(*(stage.lab.start_server(server) for server in servers))


async def _observe(stage: Stage) -> None:
    await stage.look_on(stage.lasting(HOLD))


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    check = config.frontends[0].check
    served = verdict.within("service back", numbers.served_ms, check.interval * check.rise)
    if config.health.on_no_servers is OnNoServers.FAIL:  # the operator asked for the VIP to be given up
        return ()
    return (verdict.stayed(numbers), verdict.one_holder(numbers), served)


FAULT = Fault(
    name="all-servers-down",
    summary="every API server is killed, for --hold seconds",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    elsewhere=Cost.MOVE,
    holds="Nothing moves (unless `on_no_servers: fail`); service is back once the proxy has seen servers rise.",
)
