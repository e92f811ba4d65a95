"""proxy-crash-loop: the proxy dies, and again at every start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGKILL
from time import monotonic

from halbd.decide.life import FIRST_DELAY
from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until_moved
from halbd.lab.faults.instead import instead
from halbd.lab.faults.proxy import proxy_pid
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config

HOLD = 15.0  # seconds
WORDS = "no more today"
SCRIPT = f"#!/bin/sh\necho '{WORDS}'\nexit 1\n"


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    pid = await proxy_pid(stage)
    async with instead(stage, SCRIPT):
        injected = monotonic()
        stage.lab.signal(stage.victim, pid, SIGKILL)
        yield injected


async def _observe(stage: Stage) -> None:
    await until_moved(stage)
    before = (await stage.status()).get("proxy", {}).get("restarts", 0)
    hold = stage.lasting(HOLD)
    await stage.look_on(hold)
    status = await stage.status()
    proxy = status.get("proxy", {})
    # Doubling from FIRST_DELAY less a quarter: by then it has been tried so often at the most.
    most = sum(FIRST_DELAY * 0.75 * 2**n < hold for n in range(20)) + 1
    tries = proxy.get("restarts", 0) - before
    stage.found.append(Finding("starts meanwhile", f"1 to {most}", str(tries), 1 <= tries <= most))
    stage.found.append(yes("status has its last words", str(proxy.get("last_exit")), ok=WORDS in str(proxy)))
    stage.found.append(Finding("role", "fault", str(status.get("role")), status.get("role") == "fault"))


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.moved(numbers), verdict.outage(numbers, verdict.skew(config) + verdict.SLACK))


FAULT = Fault(
    name="proxy-crash-loop",
    summary="the proxy of the node that holds the VIP dies, and at every start again, for 15 s or --hold",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="The VIP moves at once; the starts are spread by a backoff; status has their count and the last words; "
    "the node stays in fault, and recovers by itself: it comes first again after a minute.",
)
