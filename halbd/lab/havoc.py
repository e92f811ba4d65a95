"""Plays one round of chaos, and says what is not right afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic

from halbd.lab.errors import LabError
from halbd.lab.faults.base import Cost, Fault, Stage
from halbd.lab.faults.reloading import halbctl
from halbd.lab.lab import Lab
from halbd.lab.measure import Stretch, timeline
from halbd.lab.play import prepare
from halbd.lab.schedule import Round, Strike
from halbd.lab.verdict import Finding
from halbd.lab.world import World

UP = 15.0  # seconds for a daemon that was struck to answer again


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a round: `notes` are strikes that could not be played, `wrong` is what must not be."""

    round: Round
    notes: tuple[str, ...]
    wrong: tuple[str, ...]
    right_after: float
    holders: tuple[tuple[str, tuple[Stretch, ...]], ...]
    transitions: int
    failed: int
    broken: int


async def play_round(lab: Lab, world: World, one: Round, faults: Mapping[str, Fault]) -> Played:
    """Strike, wait, heal, look. Raises LabError when the lab itself fails."""
    stage = await prepare(lab, world, f"round {one.number}", None, _silent)
    before, begun, notes = lab.holders.snapshot(), monotonic(), list[str]()
    stages = [Stage(lab, strike.node or stage.victim, None, stage.before) for strike in one.strikes]
    try:
        async with AsyncExitStack() as stack:
            for strike, where in zip(one.strikes, stages, strict=True):
                notes += await _strike(stack, strike, faults[strike.fault], where, one)
            await asyncio.sleep(one.hold)
    except (LabError, OSError) as error:  # two faults may get into each other's way; what counts is the world
        notes.append(f"not healed by itself: {error}")
    for where in stages:
        await _tidy(where)
    healed = monotonic()
    wrong = await lab.steady(healed) + await world.wrong()
    ended = monotonic()
    failed = sum(not attempt.ok for attempt in lab.traffic.attempts if attempt.start >= begun)
    broken = sum(watch.at >= begun for watch in lab.traffic.broken)
    changes = tuple(lab.holders.changes)
    if len(one.strikes) == 1 and not notes:
        fault, where = faults[one.strikes[0].fault], stages[0]
        where.found.extend(await fault.after(where))
        holds = any(where.victim in nodes for _, nodes in before)
        wrong += judge(fault, holds, where.found, len(changes), failed, broken)
    lines = tuple((vip, timeline(changes, vip, nodes, begun, ended)) for vip, nodes in before)
    return Played(one, tuple(notes), wrong, ended - healed, lines, len(changes), failed, broken)


def _silent(_: str) -> None:
    """Rounds tell themselves when they are over."""


async def _strike(stack: AsyncExitStack, strike: Strike, fault: Fault, stage: Stage, one: Round) -> list[str]:
    """Begin one fault; why it could not be, where it could not."""
    if stage.lab.plan and (reason := fault.impossible(stage.lab.plan)):
        return [f"{strike.fault} not played: {reason}"]
    if strike != one.strikes[0]:
        await asyncio.sleep(one.apart)
    try:
        await stack.enter_async_context(fault.inflict(stage))
    except (LabError, OSError) as error:
        if len(one.strikes) == 1:
            raise
        return [f"{strike.fault} not played: {error}"]
    return []


async def _tidy(stage: Stage) -> None:
    """What a fault takes back by a verb of halbctl may have met a daemon that another fault had struck."""
    stage.unit.start()
    if not await stage.unit.up(UP):
        return  # steady() says so
    status = await stage.status()
    stage.lab.write_config(stage.victim, stage.lab.plan.text)
    if status.get("maintenance"):
        await halbctl(stage, "undrain")
    if status.get("config", {}).get("rejected"):
        await halbctl(stage, "reload")


def judge(
    fault: Fault, holds: bool, found: Iterable[Finding], transitions: int, failed: int, broken: int
) -> tuple[str, ...]:
    """A fault alone, on a node that `holds` a VIP or not: what it saw itself, and whether it cost more than it may."""
    wrong = tuple(f"{f.what}: wanted {f.wanted}, got {f.got}" for f in found if not f.ok)
    if (fault.cost if holds else fault.elsewhere) is Cost.NOTHING and transitions + failed + broken > 0:
        return (*wrong, f"it may cost nothing; {cost(transitions, failed, broken)}")
    return wrong


def cost(transitions: int, failed: int, broken: int) -> str:
    """For people."""
    return f"{transitions} transitions, {failed} connections failed, {broken} watches broken"
