"""proxy-oom, halbd-oom, keepalived-oom: one program of the holder runs out of memory, and the kernel kills it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

from halbd.lab import ask, verdict
from halbd.lab.errors import LabError
from halbd.lab.faults import halbd_kill, keepalived_dies, proxy_kill
from halbd.lab.faults.base import AFTER, GLANCE, Cost, Fault, Stage, Where, needs_two_nodes, nothing_more, until_moved
from halbd.lab.faults.kept import kept
from halbd.lab.measure import Numbers, outage
from halbd.lab.memory import Scarce, group
from halbd.lab.verdict import Finding
from halbd.model.config import Config
from halbd.system.process import family, identity

GONE = 20.0  # seconds for a program to need memory that it does not get
QUESTIONS = 50  # at once, each with a buffer of its own


@asynccontextmanager
async def _inflict(stage: Stage, *, program: str) -> AsyncIterator[float]:
    who = getattr(stage.before[stage.victim], program)
    if who is None:
        raise LabError(f"cannot take memory from {program} on {stage.victim}: it does not run")
    if program == "halbd":
        stage.unit.expect()
    pids = {who.pid} if program == "halbd" else family(who.pid)
    with Scarce(group(stage.lab.folder.path.name, stage.victim) + program, pids) as scarce:
        injected = monotonic()
        end = injected + GONE
        while identity(who.pid) == who and monotonic() < end:
            await _work(stage, program)
        gone = identity(who.pid) != who
        stage.died.append(monotonic())
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


async def _observe_proxy(stage: Stage) -> None:
    """How soon there is service again after its death: how long it takes to die is the kernel's doing."""
    await until_moved(stage)
    config, died, now = stage.lab.plan.config, stage.died[0] - GLANCE, monotonic()
    vips = dict.fromkeys(attempt.vip for attempt in stage.lab.traffic.attempts)
    attempts = sorted(stage.lab.traffic.attempts, key=lambda attempt: attempt.start)
    took = max((outage([a for a in attempts if a.vip == vip], died, now) for vip in vips), default=0.0)
    limit = verdict.skew(config) + verdict.SLACK + GLANCE
    stage.found.append(verdict.within("outage after its death", took * 1000, limit))


def _judge_proxy(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.moved(numbers),)


def _judge_halbd(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


OBSERVE = {"proxy": _observe_proxy, "halbd": _observe, "keepalived": keepalived_dies.observe}


def _fault(
    program: str,
    judge: Callable[[Config, Numbers], tuple[Finding, ...]],
    cost: Cost,
    holds: str,
    after: Callable[[Stage], Awaitable[tuple[Finding, ...]]] = nothing_more,
) -> Fault:
    return Fault(
        name=f"{program}-oom",
        summary=f"{program} of the node that holds the VIP runs out of memory",
        inflict=partial(_inflict, program=program),
        observe=OBSERVE[program],
        judge=judge,
        impossible=needs_two_nodes,
        self_healing=True,
        where=Where.HOLDER,  # a proxy without traffic asks for no memory
        after=after,
        cost=cost,
        holds=holds,
    )


PROXY = _fault("proxy", _judge_proxy, Cost.MOVE, f"As proxy-kill. {proxy_kill.FAULT.holds}")
HALBD = _fault("halbd", _judge_halbd, Cost.NOTHING, f"As halbd-kill. {halbd_kill.FAULT.holds}", kept)
KEEPALIVED = _fault("keepalived", keepalived_dies.judge, Cost.MOVE, f"As keepalived-kill. {keepalived_dies.KILL.holds}")
