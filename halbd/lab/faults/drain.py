"""drain: the operator takes the holder out for maintenance, and gives it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

from halbd.decide.handover import offer_time
from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, Fault, Stage, needs_two_nodes, until, until_moved, without_vip
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.leaving import held, history_says, released
from halbd.lab.faults.reloading import halbctl
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.verdict import Finding
from halbd.model.config import Config

STARTING = 40.0  # seconds for a daemon that was struck to answer


async def say(stage: Stage, *words: str, code: int = 0, hint: str = "") -> None:
    """`halbctl drain` or `undrain` on the victim; it should end with `code`, and say `hint`."""
    got, said = await halbctl(stage, *words)
    stage.found.append(answered(" ".join(words), (got, said), (code, hint)))


def answered(words: str, got: tuple[int | None, str], wanted: tuple[int, str]) -> Finding:
    """The exit code, and something that must be in what was said."""
    told = ", ".join(filter(None, (f"exit {wanted[0]}", wanted[1])))
    return Finding(
        f"halbctl {words}", told, f"exit {got[0]}: {got[1][-200:]}", got[0] == wanted[0] and wanted[1] in got[1]
    )


async def drain(stage: Stage, *options: str) -> None:
    """Drain the victim; what it held, it gave away itself."""
    count = held(stage)
    await say(stage, "drain", *options)
    if count:
        await history_says(stage, count, "maintenance: offered")


async def undrain(stage: Stage) -> None:
    """The victim may hold VIPs again; its daemon may just be starting."""
    await stage.unit.up(STARTING)
    await say(stage, "undrain")


@asynccontextmanager
async def peers_drained(stage: Stage) -> AsyncIterator[None]:
    """Nobody but the victim may hold a VIP meanwhile."""
    peers = [replace(stage, victim=node.name) for node in stage.lab.plan.nodes if node.name != stage.victim]
    try:
        for peer in peers:
            await say(peer, "drain")
        yield
    finally:
        for peer in peers:
            await undrain(peer)


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    try:
        await drain(stage)
        yield injected
    finally:
        await undrain(stage)


async def look_drained(stage: Stage) -> None:
    """The VIP is on a peer, the victim says that it is drained, and nothing of the VIP's is left there."""
    await until_moved(stage)
    stage.found.append(without_vip(stage))
    stage.found.append(drained(await stage.status()))
    await released(stage)


def drained(status: dict[str, Any]) -> Finding:
    """The whole of it: drained by the operator, and without a VIP."""
    told = {name: status.get(name) for name in ("maintenance", "role")}
    ok = bool(told["maintenance"]) and told["role"] == "maintenance"
    return verdict.yes("status says maintenance", str(told), ok=ok)


async def still_drained(stage: Stage, what: str) -> None:
    """The next daemon knows that it is drained, and gives the VIP no reason to come back."""
    known = await until(stage, lambda status: bool(status.get("maintenance")), STARTING)
    stage.found.append(verdict.yes(f"drained after {what}", "no", ok=known is not None))
    await stage.look_on(AFTER)
    stage.found.append(drained(await stage.status()))
    stage.found.append(without_vip(stage))


def judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """A peer took over without a gap, and gave back what it had."""
    failed = Finding("connections failed", "0", str(numbers.failed), numbers.failed == 0)
    watches = verdict.watches_ended(numbers)
    return (*verdict.made_before_break(numbers), failed, *watches, verdict.back(numbers))


def needs_an_offer(plan: Plan) -> str:
    """For a fault in which a peer takes the VIP before it leaves."""
    offered = offer_time(plan.config) > 0
    return needs_two_nodes(plan) or ("" if offered else "no peer takes a VIP that is offered: see `drain-refused`")


FAULT = Fault(
    name="drain",
    summary="`halbctl drain` on the node that holds the VIP, then `halbctl undrain`",
    inflict=_inflict,
    observe=look_drained,
    judge=judge,
    impossible=needs_an_offer,
    after=kept_with_halbd,
    holds="A peer has the VIP before it leaves, and history says that it was offered; no connection begun meanwhile "
    "fails or is slow; each watch breaks within 1 s of the VIP's leaving, and no server keeps a half-open side; "
    "the role is maintenance; nothing is stopped; the VIP comes back at the end.",
)
