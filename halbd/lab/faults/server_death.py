"""server-death: one API server's process dies; its port refuses from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.decide.timing import proxy_drop_time
from halbd.lab import verdict
from halbd.lab.faults.base import Cost, Fault, Stage, needs_two_servers
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    server = stage.lab.plan.servers[0]
    injected = monotonic()
    await stage.lab.kill_server(server)
    try:
        yield injected
    finally:
        await stage.lab.start_server(server)


async def _observe(stage: Stage) -> None:
    """Until the proxy must have dropped the server."""
    await stage.lab.holders.until(lambda: False, proxy_drop_time(stage.frontend))


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.stayed(numbers), verdict.none_failed(numbers))


FAULT = Fault(
    name="server-death",
    summary="one API server is killed: its port refuses",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_servers,
    elsewhere=Cost.MOVE,
    holds="Nothing moves; no new connection fails.",
)
