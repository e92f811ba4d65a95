"""Whether a node's programs are the same ones as before the fault."""

from __future__ import annotations

from halbd.lab.faults.base import Stage, standing
from halbd.lab.verdict import Finding, yes


async def kept(stage: Stage) -> tuple[Finding, ...]:
    """The daemon of now runs the proxy and the keepalived of before: same PID, same start time."""
    was, now = stage.before[stage.victim], (await standing(stage.lab))[stage.victim]
    return (
        yes("same proxy", f"{was.proxy} became {now.proxy}", ok=now.proxy == was.proxy),
        yes("same keepalived", f"{was.keepalived} became {now.keepalived}", ok=now.keepalived == was.keepalived),
    )


async def kept_with_halbd(stage: Stage) -> tuple[Finding, ...]:
    """The daemon itself is the same as well."""
    was, now = stage.before[stage.victim], (await standing(stage.lab))[stage.victim]
    return (yes("same halbd", f"{was.halbd} became {now.halbd}", ok=now.halbd == was.halbd), *await kept(stage))
