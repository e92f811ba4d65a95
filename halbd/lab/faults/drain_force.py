"""drain-force: a forced drain of the holder while no peer can take the VIP, since the peers are drained already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, PATIENCE, Fault, Stage, Where, needs_two_nodes, without_vip
from halbd.lab.faults.drain import drained, peers_drained, say, undrain
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.leaving import held, history_says, released
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config

MORE = 1.0  # seconds beyond VRRP's own timer for the VIP to be back, once its node is undrained


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    async with peers_drained(stage):
        injected, count = monotonic(), held(stage)
        try:
            await say(stage, "drain", "--force", hint="nobody took the VIP, and it was given up")
            await history_says(stage, count, "maintenance")
            await _given_up(stage)
            yield injected
        finally:
            await undrain(stage)
            await _taken_again(stage)


async def _given_up(stage: Stage) -> None:
    """Nobody has it: that is what was asked for."""
    await stage.look_on(AFTER)
    stage.found.append(without_vip(stage))
    holders = stage.lab.holders.snapshot()
    stage.found.append(yes("nobody holds a VIP", str(holders), ok=not any(nodes for _, nodes in holders)))
    stage.found.append(drained(await stage.status()))
    await released(stage)


async def _taken_again(stage: Stage) -> None:
    """The only node that may hold them does, as soon as VRRP lets it."""
    vrrp, begun, current = stage.lab.plan.config.vrrp, monotonic(), stage.lab.holders.current
    back = await stage.lab.holders.until(lambda: all(stage.victim in nodes for nodes in current.values()), PATIENCE)
    limit = 4 * vrrp.advert_int + vrrp.preempt_delay + MORE
    took = (monotonic() - begun) * 1000 if back else None
    stage.found.append(verdict.within("VIP back after the undrain", took, limit))


async def _observe(_: Stage) -> None:
    """All has been seen."""


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """Whoever is connected is told at once, though there is nobody to go to."""
    return verdict.watches_ended(numbers)


FAULT = Fault(
    name="drain-force",
    summary="the peers are drained, and then `halbctl drain --force` on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    after=kept_with_halbd,
    where=Where.HOLDER,
    holds="The node is drained though nobody takes the VIP, `halbctl drain` says so, and nobody holds it; each watch "
    "breaks within 1 s of its leaving, and no server keeps a half-open side; nothing is stopped; after the "
    "undrain the VIP is back as soon as VRRP lets it.",
)
