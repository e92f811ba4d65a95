"""Plays one fault: steady, inject, look, heal, steady again, numbers, verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from halbd.lab import verdict
from halbd.lab.errors import UnreadyError
from halbd.lab.faults.base import Fault, Stage, standing
from halbd.lab.lab import Lab
from halbd.lab.measure import Numbers, Seen, Spans, Stretch, measure, timeline
from halbd.lab.verdict import Finding
from halbd.lab.world import World


@dataclass(frozen=True, slots=True)
class Run:
    """One fault, played once. `holders`: each VIP's from the injection on; `errors`: the client's failures, counted."""

    fault: str
    victim: str
    numbers: Numbers
    findings: tuple[Finding, ...]
    holders: tuple[tuple[str, tuple[Stretch, ...]], ...]
    errors: tuple[tuple[str, int], ...]
    injected: float

    @property
    def passed(self) -> bool:
        """Everything that the fault expects came true."""
        return all(finding.ok for finding in self.findings)


async def play(lab: Lab, world: World, fault: Fault, hold: float | None, tell: Callable[[str], None]) -> Run:
    """Play `fault` on a steady lab. Raises LabError when the lab does not become steady, or itself fails."""
    stage = await prepare(lab, world, fault.name, hold, tell)
    before = lab.holders.snapshot()
    tell(f"injecting on {stage.victim}")
    async with fault.inflict(stage) as injected:
        struck = monotonic()
        tell("looking on")
        await fault.observe(stage)
        healing = monotonic()
        tell("healing")
    healed = monotonic()
    tell("waiting until all is right again")
    complaints = await lab.steady(healed)
    spans = Spans(injected, struck, healing, healed, monotonic())
    stage.found.extend(await fault.after(stage))
    complaints += await world.wrong()
    return _run(lab, stage, fault, seen(lab, stage.victim, before, spans, self_healing=fault.self_healing), complaints)


async def prepare(
    lab: Lab, world: World, name: str, hold: float | None, tell: Callable[[str], None], victim: str = ""
) -> Stage:
    """Wait until all is right, and begin to count. Without a `victim` it is the first VIP's holder.

    Raises:
        UnreadyError: all does not become right.
    """
    tell("waiting for a steady state")
    complaints = await lab.steady() or await world.wrong()
    if complaints:
        raise UnreadyError(f"cannot play {name}: {'; '.join(complaints)}")
    stage = Stage(lab, victim or lab.holders.snapshot()[0][1][0], hold, await standing(lab))
    lab.traffic.forget()
    lab.holders.forget()
    return stage


def seen(
    lab: Lab, victim: str, before: tuple[tuple[str, tuple[str, ...]], ...], spans: Spans, *, self_healing: bool
) -> Seen:
    """What was recorded since `before`."""
    return Seen(
        victim=victim,
        spans=spans,
        before=before,
        attempts=tuple(sorted(lab.traffic.attempts, key=lambda attempt: attempt.start)),
        changes=tuple(lab.holders.changes),
        broken=tuple(lab.traffic.broken),
        self_healing=self_healing,
    )


def _run(lab: Lab, stage: Stage, fault: Fault, seen: Seen, complaints: tuple[str, ...]) -> Run:
    numbers, spans = measure(seen), seen.spans
    failed = Counter(a.error for a in seen.attempts if not a.ok and a.end >= spans.injected)
    lines = tuple((v, timeline(seen.changes, v, nodes, spans.injected, spans.ended)) for v, nodes in seen.before)
    findings = (*fault.judge(lab.plan.config, numbers), *stage.found, verdict.recovered(complaints))
    return Run(fault.name, seen.victim, numbers, findings, lines, tuple(sorted(failed.items())), spans.injected)
