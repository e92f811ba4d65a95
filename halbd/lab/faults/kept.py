"""Whether a node's programs are the same ones as before the fault."""

from __future__ import annotations

from halbd.lab.faults.base import Stage, Standing, standing
from halbd.lab.verdict import Finding, yes


async def kept(stage: Stage, *, workers: bool = True) -> tuple[Finding, ...]:
    """The daemon of now runs the proxy and the keepalived of before: same PID, same start time.

    `workers`: also the workers. One that was not there before is a reload that nobody needed; an old one may end.
    """
    was, now = stage.before[stage.victim], (await standing(stage.lab))[stage.victim]
    return (
        yes("same proxy", f"{was.proxy} became {now.proxy}", ok=now.proxy == was.proxy),
        *((_same_workers(was, now),) if workers else ()),
        yes("same keepalived", f"{was.keepalived} became {now.keepalived}", ok=now.keepalived == was.keepalived),
    )


def _same_workers(was: Standing, now: Standing) -> Finding:
    before, after = (sorted(worker.pid for worker in one.workers) for one in (was, now))
    none_new = bool(now.workers) == bool(was.workers) and now.workers <= was.workers
    return yes("same proxy workers", f"{before} became {after}", ok=none_new)


async def kept_with_halbd(stage: Stage, *, workers: bool = True) -> tuple[Finding, ...]:
    """The daemon itself is the same as well."""
    was, now = stage.before[stage.victim], (await standing(stage.lab))[stage.victim]
    same = yes("same halbd", f"{was.halbd} became {now.halbd}", ok=now.halbd == was.halbd)
    return (same, *await kept(stage, workers=workers))
