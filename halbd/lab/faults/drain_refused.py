"""drain-refused: a drain of the holder while no peer can take the VIP, since the peers are drained already."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.decide.handover import offer_time
from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, PATIENCE, Fault, Stage, Where, needs_two_nodes, until
from halbd.lab.faults.drain import peers_drained, say, undrain
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config

MORE = 0.5  # seconds beyond the offer itself
UNTAKEN = "nobody took the VIP within"
UNHEEDED = "no peer takes a VIP that is offered to it"


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    async with peers_drained(stage):
        injected = monotonic()
        try:
            await _refused(stage)
            state = (await stage.status()).get("maintenance")
            stage.found.append(yes("not in maintenance", str(state), ok=state is False))
            await stage.look_on(AFTER)  # it could leave late
            changes = [change for change in stage.lab.holders.changes if change.at >= injected]
            stage.found.append(yes("the VIP stays", f"{len(changes)} transitions", ok=not changes))
            yield injected
        finally:
            await undrain(stage)


async def _refused(stage: Stage) -> None:
    """The drain is over soon after it was begun; one that cannot be offered at all never begins."""
    offer = offer_time(stage.lab.plan.config)
    verb = asyncio.create_task(say(stage, "drain", code=1, hint=UNTAKEN if offer else UNHEEDED))
    if offer:
        made = await until(stage, lambda status: bool(status.get("maintenance")), PATIENCE)
        took = await until(stage, lambda status: status.get("maintenance") is False, PATIENCE)
        stage.found.extend(offered_and_undone(made, took, offer))
    await verb


def offered_and_undone(made: float | None, took: float | None, offer: float) -> tuple[Finding, ...]:
    """A refusal alone is no drain: somebody might have taken the VIP. `made`: after how many seconds it was offered."""
    return (
        yes("the VIP was offered", "never", ok=made is not None),
        verdict.within("drain undone", None if took is None else took * 1000, offer + MORE),
    )


async def _observe(_: Stage) -> None:
    """All has been seen."""


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """Who came while the VIP might have left waits for the second SYN: slow. The peers' own VIPs may move meanwhile."""
    return (Finding("connections failed", "0", str(numbers.failed), numbers.failed == 0),)


FAULT = Fault(
    name="drain-refused",
    summary="the peers are drained, and then `halbctl drain` on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    after=kept_with_halbd,
    where=Where.HOLDER,
    holds="The VIP is offered; `halbctl drain` ends with 1 within about a second, says so, and is undone; the VIP "
    "stays, no connection fails (a third of a second's new ones wait for their second SYN).",
)
