"""proxy-crash-loop: the proxy dies, and again at every start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from signal import SIGKILL
from time import monotonic

from halbd.decide.life import FIRST_DELAY
from halbd.lab import verdict
from halbd.lab.faults.base import Fault, Stage, needs_two_nodes, until, until_moved, without_vip
from halbd.lab.faults.instead import instead
from halbd.lab.faults.proxy import proxy_pid
from halbd.lab.measure import Change, Numbers
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config

HOLD = 15.0  # seconds
WORDS = "no more today"
SCRIPT = f"#!/bin/sh\necho '{WORDS}'\nexit 1\n"


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    pid = await proxy_pid(stage)
    async with instead(stage, SCRIPT):
        injected = monotonic()
        stage.lab.signal(stage.victim, pid, SIGKILL)
        yield injected


async def _observe(stage: Stage) -> None:
    await until_moved(stage)
    stage.found.append(without_vip(stage))
    before = (await stage.status()).get("proxy", {}).get("restarts", 0)
    hold = stage.lasting(HOLD)
    left_fault = await until(stage, lambda status: status.get("role", "fault") != "fault", hold)
    stage.found.append(yes("fault all the time", f"not after {left_fault} s", ok=left_fault is None))
    stage.found.extend(quiet(stage.lab.holders.changes, stage.victim))
    status = await stage.status()
    proxy = status.get("proxy", {})
    # Doubling from FIRST_DELAY less a quarter: by then it has been tried so often at the most.
    most = sum(FIRST_DELAY * 0.75 * 2**n < hold for n in range(20)) + 1
    tries = proxy.get("restarts", 0) - before
    stage.found.append(Finding("starts meanwhile", f"1 to {most}", str(tries), 1 <= tries <= most))
    stage.found.append(yes("status has its last words", str(proxy.get("last_exit")), ok=WORDS in str(proxy)))


def quiet(changes: Iterable[Change], victim: str) -> tuple[Finding, ...]:
    """From the proxy's death on each VIP that went anywhere went once: from the victim to one other node."""
    by_vip: dict[str, list[Change]] = {}
    for change in changes:
        by_vip.setdefault(change.vip, []).append(change)
    return tuple(_one_move(vip, seen, victim) for vip, seen in by_vip.items())


def _one_move(vip: str, seen: list[Change], victim: str) -> Finding:
    lost = [change for change in seen if change.node == victim and not change.gained]
    gained = [change for change in seen if change.node != victim and change.gained]
    words = ", ".join(f"{change.node} {'gained' if change.gained else 'lost'} it" for change in seen)
    return Finding(f"moves of {vip}", "1", words, len(lost) == len(gained) == 1 and len(seen) == 2)


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.moved(numbers), verdict.outage(numbers, verdict.skew(config) + verdict.SLACK))


FAULT = Fault(
    name="proxy-crash-loop",
    summary="the proxy of the node that holds the VIP dies, and at every start again, for 15 s or --hold",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="The VIP moves at once; the starts are spread by a backoff; status has their count and the last words; "
    "the node stays in fault, holds no VIP and is quiet, and recovers by itself: it comes first again after a minute.",
)
