"""What the watch keeps of one daemon's life."""

from __future__ import annotations

from dataclasses import dataclass, field

from halbd.model.child import Program
from halbd.model.verdict import Verdict


@dataclass(slots=True)
class Seen:
    """All times are monotonic.

    `answered`: when each probe was last truly answered, by the proxy that runs now. `told`: the children that it was
    told are alive; `asked`: when it last had each of them spawned. `no`: since when its verdict says no. `unfit`: since
    when it does so for this node's own sake. `draining`: since when somebody waits for the outcome of a drain, and
    `until` when that is to end by itself. `stopping`: since when the daemon is to end.
    """

    answered: dict[str, float] = field(default_factory=dict)
    told: dict[Program, int] = field(default_factory=dict)
    asked: dict[Program, float] = field(default_factory=dict)
    spawning: set[Program] = field(default_factory=set)
    since: float = 0
    no: float | None = None
    unfit: float | None = None
    draining: float | None = None
    until: float | None = None
    stopping: float = 0
    verdict: Verdict | None = None
