"""config-removed: halbd.yaml is deleted while the daemon runs."""

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
    return refused(stage, None, 2, f"{stage.paths.config_file}: cannot read it")


async def _observe(stage: Stage) -> None:
    await stage.look_on(2 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="config-removed",
    summary="halbd.yaml is deleted, and a reload asked for, on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    after=kept_with_halbd,
    cost=Cost.NOTHING,
    holds="The node serves on; `halbctl reload` ends with 2 and status names the file; put back, it is taken up.",
)
