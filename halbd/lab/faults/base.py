"""What a fault is, and what the faults have in common."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic
from typing import Any, TypeAlias

from halbd.lab import ask
from halbd.lab.lab import Lab
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.units import Unit
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config, Frontend
from halbd.model.paths import Paths
from halbd.system.process import Identity, family, identity

PATIENCE = 15.0  # seconds to wait for what a fault should bring about, apart from preempt_delay
GLANCE = 0.05  # seconds between two looks at a status
AFTER = 1.0  # seconds to look on after the VIP has moved


@dataclass(frozen=True, slots=True)
class Standing:
    """The processes of one node, with their start times; None where one does not run. `workers`: the proxy's."""

    halbd: Identity | None
    proxy: Identity | None
    keepalived: Identity | None
    workers: frozenset[Identity] = frozenset()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a fault is played. `hold`: how long it lasts, None for its own time; `before`: every node, before it.

    `found` is what the fault saw itself, beyond the numbers; `died`: when a program did so that took its time.
    """

    lab: Lab
    victim: str
    hold: float | None
    before: Mapping[str, Standing] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    died: list[float] = field(default_factory=list)

    @property
    def frontend(self) -> Frontend:
        """The one that the client connects to."""
        return self.lab.plan.config.frontends[0]

    @property
    def unit(self) -> Unit:
        """The victim's daemon."""
        return self.lab.units[self.victim]

    @property
    def paths(self) -> Paths:
        """Where the victim's daemon keeps its things."""
        return self.lab.paths(self.victim)

    def lasting(self, seconds: float) -> float:
        """How long the fault lasts: what was asked for, else `seconds`."""
        return seconds if self.hold is None else self.hold

    async def look_on(self, seconds: float) -> None:
        """Let time pass."""
        await self.lab.holders.until(lambda: False, seconds)

    async def status(self) -> dict[str, Any]:
        """The victim's status, empty where no daemon answers."""
        return await ask.status(self.paths.socket) or {}


class Cost(Enum):
    """What a fault may cost the clients of the node that holds the VIP. On another node it may cost nothing."""

    NOTHING = "nothing: the VIP stays, no connection fails"
    MOVE = "the VIP may move; connections may fail meanwhile"


class Where(Enum):
    """On which node a fault makes sense."""

    ANY = "any node"
    HOLDER = "the node that holds the VIP"


async def nothing_more(_: Stage) -> tuple[Finding, ...]:
    """For a fault of which the numbers say enough."""
    return ()


Inflict: TypeAlias = Callable[[Stage], AbstractAsyncContextManager[float]]
"""Entering injects the fault and yields the moment just before it; leaving heals it, also after an error."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `observe` ends when enough was seen; `impossible` says why there is no room for it, or "".

    `after` looks again when all is right; `cost` is what the fault may cost when it strikes the holder, `elsewhere`
    when it strikes another node; `holds` says in words what must hold, for the manual.
    """

    name: str
    summary: str
    inflict: Inflict
    observe: Callable[[Stage], Awaitable[None]]
    judge: Callable[[Config, Numbers], tuple[Finding, ...]]
    impossible: Callable[[Plan], str]
    self_healing: bool = False
    after: Callable[[Stage], Awaitable[tuple[Finding, ...]]] = nothing_more
    cost: Cost = Cost.MOVE
    elsewhere: Cost = Cost.NOTHING
    where: Where = Where.ANY
    holds: str = ""


def never_impossible(_: Plan) -> str:
    """For a fault that any cluster can have."""
    return ""


def needs_two_nodes(plan: Plan) -> str:
    """For a fault that the VIP should flee from."""
    return "" if len(plan.nodes) > 1 else "there is only one node"


def needs_two_servers(plan: Plan) -> str:
    """For a fault that other servers should make up for."""
    return "" if len(plan.config.frontends[0].servers) > 1 else "there is only one server"


async def standing(lab: Lab) -> dict[str, Standing]:
    """What runs on every node now."""
    statuses = await lab.statuses()
    return {node: _standing(lab.units[node].pid, status or {}) for node, status in statuses.items()}


def _standing(halbd: int | None, status: dict[str, Any]) -> Standing:
    proxy, keepalived = (status.get(name, {}).get("pid") for name in ("proxy", "keepalived"))
    workers = map(identity, family(proxy) - {proxy} if proxy else ())
    first, second, third = (None if pid is None else identity(pid) for pid in (halbd, proxy, keepalived))
    return Standing(first, second, third, frozenset(worker for worker in workers if worker))


async def until(stage: Stage, holds: Callable[[dict[str, Any]], bool], deadline: float) -> float | None:
    """Seconds until `holds` is true of the victim's status; None when it was not within `deadline` seconds."""
    begun = monotonic()
    while monotonic() - begun < deadline:
        if holds(await stage.status()):
            return monotonic() - begun
        await sleep(GLANCE)
    return None


async def until_logged(stage: Stage, event: str, known: int, deadline: float) -> bool:
    """Whether the victim's log has `event` more than `known` times within `deadline` seconds."""
    end = monotonic() + deadline
    while stage.lab.log(stage.victim).count(event) <= known:
        if monotonic() > end:
            return False
        await sleep(GLANCE)
    return True


def calm(stage: Stage) -> Finding:
    """No VIP has come or gone so far, and no connection has failed or was slow."""
    changes = len(stage.lab.holders.changes)
    bad = sum(attempt.bad for attempt in stage.lab.traffic.attempts)
    return yes("serves on", f"{changes} transitions, {bad} connections failed or slow", ok=not changes and not bad)


def without_vip(stage: Stage) -> Finding:
    """The victim holds no VIP any more: that another node has gained it does not say so."""
    kept = [vip for vip, nodes in stage.lab.holders.snapshot() if stage.victim in nodes]
    return yes(f"{stage.victim} holds no VIP", f"it holds {', '.join(kept)}", ok=not kept)


async def until_moved(stage: Stage, patience: float = PATIENCE) -> None:
    """Until every VIP that the victim held is on another node, and a little longer; gives up after a while."""
    holders = stage.lab.holders
    vips = [vip for vip, nodes in holders.snapshot() if stage.victim in nodes] or list(holders.current)
    await holders.until(lambda: all(holders.current[vip] - {stage.victim} for vip in vips), patience)
    await holders.until(lambda: False, AFTER)
