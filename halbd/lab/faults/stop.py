"""stop: `systemctl stop halbd` on the holder, and later `systemctl start`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.decide.handover import offer_time
from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until_moved, without_vip
from halbd.lab.faults.leaving import held, history_says, released
from halbd.lab.measure import Numbers
from halbd.lab.processes import processes
from halbd.lab.verdict import Finding
from halbd.model.config import Config


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected, count = monotonic(), held(stage)
    stage.unit.terminate()
    try:
        yield injected
        await _stopped(stage, injected)
        if count and offer_time(stage.lab.plan.config):
            await history_says(stage, count, "stopping: offered")
    finally:
        await stage.unit.gone()
        stage.unit.start()


async def _stopped(stage: Stage, injected: float) -> None:
    """It ended well, and took everything with it."""
    end = await stage.unit.gone()
    code = None if end is None else end.code
    stage.found.append(Finding("halbd ended", "exit 0", f"exit {code}", code == 0))
    if end is not None:
        took = verdict.length((end.at - injected) * 1000)
        stage.found.append(Finding("stopping took", "less than 30 s", took, end.at - injected < 30))
    left = await processes(stage.lab.network.namespace(stage.victim))
    words = [" ".join(one.words) for one in left if one.pid not in stage.lab.own(stage.victim)]
    stage.found.append(verdict.yes("nothing left running", "; ".join(words), ok=not words))
    await released(stage)


async def _observe(stage: Stage) -> None:
    await until_moved(stage)
    stage.found.append(without_vip(stage))
    await stage.unit.gone()


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (*verdict.made_before_break(numbers), verdict.none_failed(numbers), *verdict.watches_ended(numbers))


FAULT = Fault(
    name="stop",
    summary="SIGTERM to halbd on the node that holds the VIP; it is started again afterwards",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="A peer has the VIP before it leaves, and history says that it was offered; no connection begun meanwhile "
    "fails or is slow; each watch breaks within 1 s of the VIP's leaving, and no server keeps a half-open side; "
    "halbd ends with 0 and leaves nothing running.",
)
