"""proxy-hang: the proxy is there and does nothing; a check that only looks for the process passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGCONT, SIGSTOP
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until_moved
from halbd.lab.faults.proxy import proxy_pid
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config
from halbd.system.process import Identity, family, identity


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    pid = await proxy_pid(stage)
    injected = monotonic()
    stopped = [identity(pid)]
    stage.lab.signal(stage.victim, pid, SIGSTOP)  # the master first: a stopped one starts no more workers
    for worker in family(pid) - {pid}:
        stopped.append(identity(worker))
        stage.lab.signal(stage.victim, worker, SIGSTOP)
    try:
        yield injected
    finally:
        for process in stopped:
            _wake(stage, process)


def _wake(stage: Stage, process: Identity | None) -> None:
    """Let it run again, unless halbd has replaced it by then."""
    if process is not None and identity(process.pid) == process:
        stage.lab.signal(stage.victim, process.pid, SIGCONT)


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    health = config.health
    return (verdict.moved(numbers, health.interval * health.fall + health.timeout + 0.2),)


FAULT = Fault(
    name="proxy-hang",
    summary="SIGSTOP of the whole proxy on the node that holds the VIP",
    inflict=_inflict,
    observe=until_moved,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="The VIP moves within `fall` intervals of `health` and one timeout.",
)
