"""bad-config: somebody breaks halbd.yaml and reloads."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, never_impossible
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.reloading import refused
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config


def _inflict(stage: Stage) -> AbstractAsyncContextManager[float]:
    """What is opened is looked for up to the end: the line is the one after the last."""
    broken = stage.lab.plan.text + b"\nvips: {{{ not a list\n"
    line = broken.count(b"\n") + 1
    return refused(stage, broken, 2, f"line {line}: the file is not YAML")


async def _observe(stage: Stage) -> None:
    await stage.look_on(2 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="bad-config",
    summary="halbd.yaml is broken and reloaded on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    after=kept_with_halbd,
    cost=Cost.NOTHING,
    holds="The old generation serves on and nothing moves; `halbctl reload` ends with 2 and status names the line.",
)
