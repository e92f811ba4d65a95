"""drain: the operator takes the holder out for maintenance, and gives it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until_moved, without_vip
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.reloading import halbctl
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

STARTING = 40.0  # seconds for a daemon that was struck to answer


async def say(stage: Stage, word: str, code: int = 0) -> None:
    """`halbctl drain` or `undrain` on the victim; it should end with `code`."""
    got, said = await halbctl(stage, word)
    stage.found.append(Finding(f"halbctl {word}", f"exit {code}", f"exit {got}: {said[-200:]}", got == code))


async def undrain(stage: Stage) -> None:
    """The victim may hold VIPs again; its daemon may just be starting."""
    await stage.unit.up(STARTING)
    await say(stage, "undrain")


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    injected = monotonic()
    try:
        await say(stage, "drain")
        yield injected
    finally:
        await undrain(stage)


async def _observe(stage: Stage) -> None:
    await until_moved(stage)
    stage.found.append(without_vip(stage))
    status = await stage.status()
    told = {name: status.get(name) for name in ("maintenance", "role")}
    stage.found.append(verdict.yes("status says maintenance", str(told), ok=bool(told["maintenance"])))


def judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """A peer took over without a gap, and gave back what it had where that is the rule."""
    back = (verdict.back(numbers),) if config.vrrp.preempt else ()
    failed = Finding("connections failed", "0", str(numbers.failed), numbers.failed == 0)
    return (*verdict.made_before_break(numbers), failed, *back)


FAULT = Fault(
    name="drain",
    summary="`halbctl drain` on the node that holds the VIP, then `halbctl undrain`",
    inflict=_inflict,
    observe=_observe,
    judge=judge,
    impossible=needs_two_nodes,
    after=kept_with_halbd,
    holds="A peer has the VIP before it leaves; no connection begun meanwhile fails or is slow; nothing is stopped; "
    "the VIP comes back at the end.",
)
