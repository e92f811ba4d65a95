"""keepalived-kills: on a machine that is short of memory keepalived stands still and is killed, again and again.

It stands still first, as what waits for memory does. Killed at once it may be back before another node has missed it,
and then no VIP is ever on two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGKILL, SIGSTOP
from time import monotonic

from halbd.decide.life import LONGEST_DELAY
from halbd.lab import verdict
from halbd.lab.faults.base import AFTER, PATIENCE, Fault, Stage, needs_two_nodes, standing
from halbd.lab.faults.keepalived_dies import BOTH, keepalived, send, signal_living, until_another
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.verdict import Finding
from halbd.model.config import Config
from halbd.system.process import Identity

KILLS = 6
STILL = 5.0  # seconds that it stands still at the most: it is killed as soon as the VIP has gone from the node
BACK = LONGEST_DELAY + PATIENCE  # seconds for another one to run: each rest before a start is twice the last


def _impossible(plan: Plan) -> str:
    return needs_two_nodes(plan) or ("" if plan.config.vrrp.preempt else "the VIP does not come back to be lost again")


def _vips(stage: Stage) -> list[str]:
    """Those that the victim holds whenever it can."""
    return [str(vip.address) for vip in stage.lab.plan.config.vips if vip.prefer == stage.victim]


async def _kill(stage: Stage, who: Identity) -> None:
    """Stopped, and killed when no VIP is here any more."""
    vips, holders = _vips(stage), stage.lab.holders
    struck = send(stage, who, SIGSTOP)
    try:
        await holders.until(lambda: not any(stage.victim in holders.current[vip] for vip in vips), STILL)
    finally:
        signal_living(stage, struck, SIGKILL)


async def _again(stage: Stage, old: Identity) -> Identity | None:
    """Another keepalived that has advertised the VIPs for a while; None where it does not come to that."""
    if await until_another(stage, old, BACK) is None:
        return None
    vips, holders = _vips(stage), stage.lab.holders
    patience = PATIENCE + stage.lab.plan.config.vrrp.preempt_delay
    if not await holders.until(lambda: all(holders.current[vip] == {stage.victim} for vip in vips), patience):
        return None
    await stage.look_on(AFTER)
    return (await standing(stage.lab))[stage.victim].keepalived


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    """The first time: chaos has no room for more."""
    injected = monotonic()
    await _kill(stage, keepalived(stage))
    yield injected


async def _observe(stage: Stage) -> None:
    """The other times, each as soon as keepalived advertises again."""
    old, back = keepalived(stage), 0
    while new := await _again(stage, old):
        back += 1
        if back == KILLS:
            break
        await _kill(stage, new)
        old = new
    stage.found.append(
        Finding("killed, and there again with the VIP", f"{KILLS} times", f"{back} times", back == KILLS)
    )


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.each_both_at_most(numbers, BOTH),)


FAULT = Fault(
    name="keepalived-kills",
    summary="keepalived of the node that holds the VIP stands still and is killed, six times, "
    "each time as soon as it advertises again",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=_impossible,
    self_healing=True,
    holds="keepalived is started again each time and has the VIP back; two nodes hold the VIP for no longer than 1 s, "
    "the sixth time as the first.",
)
