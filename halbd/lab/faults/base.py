"""What a fault is, and what the faults have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from halbd.lab.lab import Lab
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.verdict import Finding
from halbd.model.config import Config, Frontend

PATIENCE = 15.0  # seconds to wait for what a fault should bring about, apart from preempt_delay
AFTER = 1.0  # seconds to look on after the VIP has moved


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a fault is played: `victim` is the node that holds the first VIP; `hold` is the length of an API outage."""

    lab: Lab
    victim: str
    hold: float

    @property
    def frontend(self) -> Frontend:
        """The one that the client connects to."""
        return self.lab.plan.config.frontends[0]


Inflict: TypeAlias = Callable[[Stage], AbstractAsyncContextManager[float]]
"""Entering injects the fault and yields the moment just before it; leaving heals it, also after an error."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `observe` ends when enough was seen; `impossible` says why a plan has no room for it, or ""."""

    name: str
    summary: str
    inflict: Inflict
    observe: Callable[[Stage], Awaitable[None]]
    judge: Callable[[Config, Numbers], tuple[Finding, ...]]
    impossible: Callable[[Plan], str]
    self_healing: bool = False


def never_impossible(_: Plan) -> str:
    """For a fault that any cluster can have."""
    return ""


def needs_two_nodes(plan: Plan) -> str:
    """For a fault that the VIP should flee from."""
    return "" if len(plan.nodes) > 1 else "there is only one node"


def needs_two_servers(plan: Plan) -> str:
    """For a fault that other servers should make up for."""
    return "" if len(plan.config.frontends[0].servers) > 1 else "there is only one server"


async def until_moved(stage: Stage, patience: float = PATIENCE) -> None:
    """Until every VIP that the victim held is on another node, and a little longer; gives up after a while."""
    holders = stage.lab.holders
    vips = [vip for vip, nodes in holders.snapshot() if stage.victim in nodes] or list(holders.current)
    await holders.until(lambda: all(holders.current[vip] - {stage.victim} for vip in vips), patience)
    await holders.until(lambda: False, AFTER)
