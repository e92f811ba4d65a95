"""runtime-removed: somebody deletes the daemon's runtime folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGKILL
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import (
    AFTER,
    Cost,
    Fault,
    Stage,
    calm,
    never_impossible,
    until,
    until_logged,
    until_moved,
)
from halbd.lab.faults.proxy import proxy_pid
from halbd.lab.faults.removing import remove
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

AGAIN = 10.0  # seconds for the daemon to be reached by its socket again, and to find that keepalived watches nothing
DEAF = "keepalived.deaf"
PUSHED = 0.9  # seconds: less than two runs of halbd-check take


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    remove(stage.paths.runtime)
    yield injected


async def _observe(stage: Stage) -> None:
    """Until all is put back, and nothing has moved. Then the proxy dies, to see whether keepalived is told."""
    known = stage.lab.log(stage.victim).count(DEAF)
    took = await until(stage, bool, AGAIN)
    stage.found.append(verdict.within("socket back", None if took is None else took * 1000, AGAIN))
    found = await until_logged(stage, DEAF, known, AGAIN)
    stage.found.append(verdict.yes(f"{DEAF} in the log", "no", ok=found))
    await stage.look_on(2 * AFTER)
    stage.found.append(calm(stage))
    await _push(stage)


async def _push(stage: Stage) -> None:
    """The VIP leaves as soon as the proxy is dead: halbd-check has to fail twice, a second apart."""
    pid, killed = await proxy_pid(stage), monotonic()
    stage.lab.signal(stage.victim, pid, SIGKILL)
    await until_moved(stage)
    changes = stage.lab.holders.changes
    left = next((c.at for c in changes if c.at >= killed and c.node == stage.victim and not c.gained), None)
    took = None if left is None else (left - killed) * 1000
    stage.found.append(verdict.within("VIP left when the proxy died", took, PUSHED))


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """What the proxy's death costs is proxy-kill's to judge."""
    return (verdict.moved(numbers),) if len(config.nodes) > 1 else ()


FAULT = Fault(
    name="runtime-removed",
    summary="the runtime folder is deleted on the node that holds the VIP; later its proxy dies",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    self_healing=True,
    cost=Cost.NOTHING,
    holds="The node serves on and nothing moves; the folder, its socket and what keepalived watches are put back: the "
    "proxy's death then reaches keepalived at once, and not by halbd-check.",
)
