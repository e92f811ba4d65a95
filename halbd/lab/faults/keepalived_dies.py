"""keepalived-kill, keepalived-hang: VRRP ends on the holder, and the address stays on its interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals
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


def keepalived(stage: Stage) -> Identity:
    """The victim's, as it was when all was right. Raises LabError."""
    found = stage.before[stage.victim].keepalived
    if found is None:
        raise LabError(f"cannot strike keepalived on {stage.victim}: none runs")
    return found


def send(stage: Stage, who: Identity, number: Signals) -> tuple[Identity, ...]:
    """To the parent and to its child that speaks VRRP, at once."""
    struck = tuple(one for one in map(identity, sorted(family(who.pid))) if one)
    signal_living(stage, struck, number)
    return struck


def signal_living(stage: Stage, struck: Iterable[Identity], number: Signals) -> None:
    """To those of them that have not ended since."""
    for process in struck:
        if identity(process.pid) == process:
            stage.lab.signal(stage.victim, process.pid, number)


@asynccontextmanager
async def _inflict(stage: Stage, *, kill: bool) -> AsyncIterator[float]:
    who = keepalived(stage)
    injected = monotonic()
    struck = send(stage, who, SIGKILL if kill else SIGSTOP)
    try:
        yield injected
    finally:
        signal_living(stage, struck, SIGCONT)


async def _observe_hang(stage: Stage) -> None:
    """It is told as well: nobody should have to guess why keepalived was ended."""
    known = stage.lab.log(stage.victim).count(HUNG)
    await observe(stage)
    told = await until_logged(stage, HUNG, known, GLANCE)
    stage.found.append(verdict.yes(f"{HUNG} in the log", "no", ok=told))


async def until_another(stage: Stage, old: Identity, patience: float) -> float | None:
    """Seconds until the victim runs another keepalived than `old`; None when it did not within `patience` seconds."""

    def another(status: dict[str, dict[str, object]]) -> bool:
        return status.get("keepalived", {}).get("pid") not in {None, old.pid}

    return await until(stage, another, patience)


async def observe(stage: Stage) -> None:
    """Until another one runs, beside the same proxy."""
    took = await until_another(stage, keepalived(stage), AGAIN)
    stage.found.append(verdict.within("another keepalived", None if took is None else took * 1000, AGAIN))
    await stage.look_on(2 * AFTER)
    now = (await standing(stage.lab))[stage.victim]
    was = stage.before[stage.victim]
    stage.found.append(verdict.yes("same proxy", f"{was.proxy} became {now.proxy}", ok=now.proxy == was.proxy))


def judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """What keepalived left did not stay."""
    return (verdict.both_at_most(numbers, BOTH),)


KILL = Fault(
    name="keepalived-kill",
    summary="SIGKILL of both keepalived processes on the node that holds the VIP",
    inflict=partial(_inflict, kill=True),
    observe=observe,
    judge=judge,
    impossible=needs_two_nodes,
    self_healing=True,
    holds="keepalived is started again; two nodes hold the VIP for no longer than 1 s; the proxy is not touched.",
)
HANG = Fault(
    name="keepalived-hang",
    summary="SIGSTOP of both keepalived processes on the node that holds the VIP",
    inflict=partial(_inflict, kill=False),
    observe=_observe_hang,
    judge=judge,
    impossible=needs_two_nodes,
    self_healing=True,
    holds="It is noticed, logged as `keepalived.hung`, and keepalived replaced within 15 s; two nodes hold the VIP for "
    "no longer than 1 s; the proxy is not touched.",
)
