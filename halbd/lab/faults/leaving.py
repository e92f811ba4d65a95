"""What a drain and a stop have in common: the VIP is offered to the peers, and nobody's connection is left behind."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import monotonic

from halbd.lab.connections import connections_from
from halbd.lab.faults.base import GLANCE, Stage
from halbd.lab.verdict import Finding, yes

WRITTEN = 2.0  # seconds for a loss to be in the history file
RELEASED = 5.0  # seconds for the servers to see the last connection go; a check's or a probe's lasts for milliseconds


def held(stage: Stage) -> int:
    """How many VIPs the victim holds."""
    return sum(stage.victim in nodes for _, nodes in stage.lab.holders.snapshot())


async def history_says(stage: Stage, count: int, cause: str) -> None:
    """The victim's history file has its losses of `count` VIPs, each with a cause that begins so."""
    end = monotonic() + WRITTEN
    causes = stage.lab.chronicles[stage.victim].lost()
    while len(causes) < count and monotonic() < end:
        await sleep(GLANCE)
        causes = stage.lab.chronicles[stage.victim].lost()
    stage.found.append(as_told(causes, count, cause))


def as_told(causes: Sequence[str], count: int, cause: str) -> Finding:
    """That a peer had the VIP first is this node's own doing: not luck, nor another fault's."""
    ok = len(causes) >= count and all(one.startswith(cause) for one in causes)
    return Finding("cause in the history", f"{cause} …", "; ".join(causes) or "no loss", ok)


async def released(stage: Stage) -> None:
    """No server has a connection from the victim that outlives the VIP."""
    left = await lasting(partial(connections_from, stage.lab, stage.victim), RELEASED)
    stage.found.append(yes("no half-open server side", "; ".join(left), ok=not left))


async def lasting(look: Callable[[], Awaitable[Sequence[str]]], seconds: float) -> tuple[str, ...]:
    """What is there now, and still after so many seconds."""
    end = monotonic() + seconds
    found = set(await look())
    while found and monotonic() < end:
        await sleep(GLANCE)
        found &= set(await look())
    return tuple(sorted(found))
