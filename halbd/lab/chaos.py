"""One whole `halbctl lab --chaos`: rounds of random faults until the time is up or something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from halbd.lab.faults.base import Fault
from halbd.lab.faults.catalog import FAULTS
from halbd.lab.havoc import Played, cost, play_round
from halbd.lab.lab import Lab, Settings
from halbd.lab.schedule import schedule
from halbd.lab.session import Rehearsal, begin, daemon
from halbd.lab.verdict import length
from halbd.lab.world import World


@dataclass(frozen=True, slots=True)
class Chaos:
    """What was asked for. `first` is the number of the round to begin with."""

    minutes: float
    seed: int
    first: int
    keep_going: bool
    rate: float
    timeout: float
    faults: tuple[Fault, ...] = FAULTS


async def chaos(rehearsal: Rehearsal, order: Chaos, tell: Callable[[str], None]) -> tuple[Played, ...]:
    """Build the lab, play, take it down. Raises LabError; asyncio.CancelledError after SIGINT or SIGTERM."""
    await begin(tell)
    settings = Settings(daemon(), order.rate, order.timeout)
    async with Lab(rehearsal.plan, rehearsal.authority, settings, tell) as lab:
        return await lab.tasks.guard(_play(lab, order, tell))


async def _play(lab: Lab, order: Chaos, tell: Callable[[str], None]) -> tuple[Played, ...]:
    played, world = list[Played](), World(lab)
    faults = {fault.name: fault for fault in order.faults}
    nodes = [node.name for node in lab.plan.nodes]
    end, number = monotonic() + order.minutes * 60, order.first
    while monotonic() < end:
        one = schedule(order.seed, number, order.faults, nodes)
        tell(f"round {number}: {one}")
        outcome = await play_round(lab, world, one, faults)
        played.append(outcome)
        tell(told(outcome))
        if outcome.wrong:
            tell(await _state(lab, outcome))
            if not order.keep_going:
                break
        number += 1
    return tuple(played)


def told(played: Played) -> str:
    """A round's outcome in a line, or more where something is wrong."""
    saw = cost(played.transitions, played.failed, played.broken)
    notes = "".join(f"; {note}" for note in played.notes)
    if not played.wrong:
        return f"round {played.round.number}: right again after {played.right_after:.1f} s; {saw}{notes}"
    wrong = "".join(f"\n  WRONG: {one}" for one in played.wrong)
    return f"round {played.round.number}: {saw}{notes}{wrong}"


async def _state(lab: Lab, played: Played) -> str:
    """Everything that a person needs who was not there."""
    parts = [f"who held {vip}: {', '.join(map(_stretch, line))}" for vip, line in played.holders]
    for node, status in (await lab.statuses()).items():
        parts += [f"status of {node}: {json.dumps(status)}", f"the log of {node} ends with", lab.tail(node, LINES)]
    return "\n".join(parts)


LINES = 60  # of each daemon's log


def _stretch(stretch: Any) -> str:
    return f"{' and '.join(stretch.nodes) or 'nobody'} for {length(stretch.length * 1000)}"


def to_json(order: Chaos, played: tuple[Played, ...]) -> dict[str, Any]:
    """The one object that --json prints."""
    rows = [
        {
            "round": one.round.number,
            "strikes": [{"fault": strike.fault, "node": strike.node or None} for strike in one.round.strikes],
            "apart_s": one.round.apart,
            "hold_s": one.round.hold,
            "right_after_s": round(one.right_after, 3),
            "transitions": one.transitions,
            "failed": one.failed,
            "watches_broken": one.broken,
            "notes": list(one.notes),
            "wrong": list(one.wrong),
        }
        for one in played
    ]
    return {"seed": order.seed, "passed": not any(one.wrong for one in played), "rounds": rows}
