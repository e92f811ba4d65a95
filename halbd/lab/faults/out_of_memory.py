"""proxy-oom, halbd-oom, keepalived-oom: one program of the holder runs out of memory, and the kernel kills it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

from halbd.lab import ask, verdict
from halbd.lab.errors import LabError
from halbd.lab.faults.base import AFTER, GLANCE, Cost, Fault, Stage, Where, needs_two_nodes
from halbd.lab.measure import Numbers
from halbd.lab.memory import Scarce
from halbd.lab.verdict import Finding
from halbd.model.config import Config
from halbd.system.process import family, identity

GONE = 20.0  # seconds for a program to need memory that it does not get
QUESTIONS = 50  # at once, each with a buffer of its own
BOTH = 1.0  # seconds for which two nodes may hold a VIP that a dead keepalived has left


@asynccontextmanager
async def _inflict(stage: Stage, *, program: str) -> AsyncIterator[float]:
    who = getattr(stage.before[stage.victim], program)
    if who is None:
        raise LabError(f"cannot take memory from {program} on {stage.victim}: it does not run")
    if program == "halbd":
        stage.unit.expect()
    pids = {who.pid} if program == "halbd" else family(who.pid)
    with Scarce(f"{stage.lab.folder.path.name}-{stage.victim}-{program}", pids) as scarce:
        injected = monotonic()
        end = injected + GONE
        while identity(who.pid) == who and monotonic() < end:
            await _work(stage, program)
        gone = identity(who.pid) != who
        took = verdict.length((monotonic() - injected) * 1000)
        words = f"it lives after {took} ({scarce.how})"
        stage.found.append(verdict.yes(f"{program} ran out of memory, by {scarce.how}", words, ok=gone))
        yield injected


async def _work(stage: Stage, program: str) -> None:
    """The proxy has its connections and keepalived its checks; the daemon is given something to do."""
    if program == "halbd":
        await asyncio.gather(*(ask.status(stage.paths.socket) for _ in range(QUESTIONS)))
    await stage.look_on(GLANCE)


async def _observe(stage: Stage) -> None:
    await stage.look_on(5 * AFTER)


def _judge_proxy(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.moved(numbers),)


def _judge_halbd(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


def _judge_keepalived(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.both_at_most(numbers, BOTH),)


def _fault(program: str, judge: Callable[[Config, Numbers], tuple[Finding, ...]], cost: Cost, holds: str) -> Fault:
    return Fault(
        name=f"{program}-oom",
        summary=f"{program} of the node that holds the VIP runs out of memory",
        inflict=partial(_inflict, program=program),
        observe=_observe,
        judge=judge,
        impossible=needs_two_nodes,
        self_healing=True,
        where=Where.HOLDER,  # a proxy without traffic asks for no memory
        cost=cost,
        holds=holds,
    )


PROXY = _fault("proxy", _judge_proxy, Cost.MOVE, "As proxy-kill: the VIP moves.")
HALBD = _fault("halbd", _judge_halbd, Cost.NOTHING, "As halbd-kill: the VIP stays and no connection fails.")
KEEPALIVED = _fault("keepalived", _judge_keepalived, Cost.MOVE, "As keepalived-kill.")
