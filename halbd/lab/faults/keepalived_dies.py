"""keepalived-kill, keepalived-hang: VRRP ends on the holder, and the address stays on its interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from signal import SIGCONT, SIGKILL, SIGSTOP
from time import monotonic

from halbd.lab import verdict
from halbd.lab.errors import LabError
from halbd.lab.faults.base import AFTER, GLANCE, Fault, Stage, needs_two_nodes, standing, until, until_logged
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config
from halbd.system.process import Identity, family, identity

AGAIN = 15.0  # seconds for halbd to notice, and to have keepalived run again
BOTH = 1.0  # seconds for which two nodes may hold a VIP that keepalived has left; decision 8 claims half of it
HUNG = "keepalived.hung"


def _keepalived(stage: Stage) -> Identity:
    """The victim's, as it was when all was right. Raises LabError."""
    found = stage.before[stage.victim].keepalived
    if found is None:
        raise LabError(f"cannot strike keepalived on {stage.victim}: none runs")
    return found


def _send(stage: Stage, who: Identity, kill: bool) -> tuple[Identity | None, ...]:
    """To the parent and to its child that speaks VRRP, at once."""
    pids = sorted(family(who.pid))
    struck = tuple(identity(pid) for pid in pids)
    for pid in pids:
        stage.lab.signal(stage.victim, pid, SIGKILL if kill else SIGSTOP)
    return struck


@asynccontextmanager
async def _inflict(stage: Stage, *, kill: bool) -> AsyncIterator[float]:
    who = _keepalived(stage)
    injected = monotonic()
    struck = _send(stage, who, kill)
    try:
        yield injected
    finally:
        for process in struck:
            if process is not None and identity(process.pid) == process:
                stage.lab.signal(stage.victim, process.pid, SIGCONT)


async def _observe_hang(stage: Stage) -> None:
    """It is told as well: nobody should have to guess why keepalived was ended."""
    known = stage.lab.log(stage.victim).count(HUNG)
    await _observe(stage)
    told = await until_logged(stage, HUNG, known, GLANCE)
    stage.found.append(verdict.yes(f"{HUNG} in the log", "no", ok=told))


async def _observe(stage: Stage) -> None:
    """Until another one runs."""
    old, begun = _keepalived(stage), monotonic()

    def another(status: dict[str, dict[str, object]]) -> bool:
        return status.get("keepalived", {}).get("pid") not in {None, old.pid}

    took = await until(stage, another, AGAIN)
    stage.found.append(
        verdict.within("another keepalived", None if took is None else (monotonic() - begun) * 1000, AGAIN)
    )
    await stage.look_on(2 * AFTER)
    now = (await standing(stage.lab))[stage.victim]
    was = stage.before[stage.victim]
    stage.found.append(verdict.yes("same proxy", f"{was.proxy} became {now.proxy}", ok=now.proxy == was.proxy))


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.both_at_most(numbers, BOTH),)


KILL = Fault(
    name="keepalived-kill",
    summary="SIGKILL of both keepalived processes on the node that holds the VIP",
    inflict=partial(_inflict, kill=True),
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    self_healing=True,
    holds="keepalived is started again; two nodes hold the VIP for no longer than 1 s; the proxy is not touched.",
)
HANG = Fault(
    name="keepalived-hang",
    summary="SIGSTOP of both keepalived processes on the node that holds the VIP",
    inflict=partial(_inflict, kill=False),
    observe=_observe_hang,
    judge=_judge,
    impossible=needs_two_nodes,
    self_healing=True,
    holds="It is noticed, logged as `keepalived.hung`, and keepalived replaced within 15 s; two nodes hold the VIP for "
    "no longer than 1 s; the proxy is not touched.",
)
