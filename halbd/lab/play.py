"""Plays one fault: steady, inject, look, heal, steady again, numbers, verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from halbd.lab import verdict
from halbd.lab.errors import LabError
from halbd.lab.faults.base import Fault, Stage
from halbd.lab.lab import Lab
from halbd.lab.measure import Numbers, Seen, Spans, Stretch, measure, timeline
from halbd.lab.verdict import Finding


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


async def play(lab: Lab, fault: Fault, hold: float, tell: Callable[[str], None]) -> Run:
    """Play `fault` on a steady lab. Raises LabError when the lab does not become steady, or itself fails."""
    tell("waiting for a steady state")
    complaints = await lab.steady()
    if complaints:
        raise LabError(f"cannot play {fault.name}: {'; '.join(complaints)}")
    before = lab.holders.snapshot()
    stage = Stage(lab, before[0][1][0], hold)
    lab.traffic.forget()
    lab.holders.forget()
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
    seen = Seen(
        victim=stage.victim,
        spans=spans,
        before=before,
        attempts=tuple(sorted(lab.traffic.attempts, key=lambda attempt: attempt.start)),
        changes=tuple(lab.holders.changes),
        broken=tuple(lab.traffic.broken),
        self_healing=fault.self_healing,
    )
    return _run(lab, fault, seen, complaints)


def _run(lab: Lab, fault: Fault, seen: Seen, complaints: tuple[str, ...]) -> Run:
    numbers, spans = measure(seen), seen.spans
    failed = Counter(a.error for a in seen.attempts if not a.ok and a.end >= spans.injected)
    lines = tuple((v, timeline(seen.changes, v, nodes, spans.injected, spans.ended)) for v, nodes in seen.before)
    findings = (*fault.judge(lab.plan.config, numbers), verdict.recovered(complaints))
    return Run(fault.name, seen.victim, numbers, findings, lines, tuple(sorted(failed.items())), spans.injected)
