"""Whether a node's programs are the same ones as before the fault."""

from __future__ import annotations

from halbd.lab.faults.base import Stage, Standing, standing
from halbd.lab.verdict import Finding, yes


async def kept(stage: Stage) -> tuple[Finding, ...]:
    """The daemon of now runs the proxy and the keepalived of before: same PID, same start time.

    A worker that was not there before is a reload that nobody needed; an old one may have ended meanwhile.
    """
    was, now = stage.before[stage.victim], (await standing(stage.lab))[stage.victim]
    none_new = bool(now.workers) == bool(was.workers) and now.workers <= was.workers
    return (
        yes("same proxy", f"{was.proxy} became {now.proxy}", ok=now.proxy == was.proxy),
        yes("same proxy workers", _words(was, now), ok=none_new),
        yes("same keepalived", f"{was.keepalived} became {now.keepalived}", ok=now.keepalived == was.keepalived),
    )


def _words(was: Standing, now: Standing) -> str:
    before, after = (sorted(worker.pid for worker in one.workers) for one in (was, now))
    return f"{before} became {after}"


async def kept_with_halbd(stage: Stage) -> tuple[Finding, ...]:
    """The daemon itself is the same as well."""
    was, now = stage.before[stage.victim], (await standing(stage.lab))[stage.victim]
    return (yes("same halbd", f"{was.halbd} became {now.halbd}", ok=now.halbd == was.halbd), *await kept(stage))
