"""A schedule of faults, played; then everything is healed, and the world must be right again and stay so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random

from halbd.decide import life
from halbd.decide.step import step
from halbd.decide.verdict import verdict
from halbd.model.child import Phase
from tests.sim.fault import Heal
from tests.sim.faults import FAULTS
from tests.sim.node import Node
from tests.sim.watch import BrokenError
from tests.sim.world import Setting, StepFunction, World, random_setting

BEFORE = 20.0
"""Seconds before the first fault."""
HEALING = 50.0
"""Seconds that healing takes: the longest backoff, rise, and what nodes wait for each other."""
STEADY = 15.0
"""Seconds in which then nothing at all may change."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault `wait` seconds after the one before, on the node with that number, for `lasts` seconds."""

    fault: str
    node: int
    wait: float
    lasts: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything about one run."""

    seed: str
    setting: Setting
    strikes: tuple[Strike, ...]


def random_schedule(seed: str, nodes: int) -> Schedule:
    """Faults at random times, some of them in pairs."""
    random = Random(seed)  # noqa: S311  # a schedule that can be repeated, not a secret
    names = list(FAULTS)
    strikes = tuple(
        Strike(
            random.choice(names),
            random.randrange(nodes),
            random.choice((0.0, random.expovariate(1), random.expovariate(0.1))),
            random.choice((0.1, random.expovariate(0.5), random.expovariate(0.05))),
        )
        for _ in range(random.randint(1, 12))
    )
    return Schedule(seed, random_setting(random, nodes), strikes)


def play(schedule: Schedule, step: StepFunction = step) -> World:
    """Run it all. Raises BrokenError."""
    world = World(schedule.seed, schedule.setting, step)
    world.run(BEFORE)
    well(world)
    for strike in schedule.strikes:
        world.run(strike.wait)
        _strike(world, strike)
    world.run(max((strike.lasts for strike in schedule.strikes), default=0))
    world.run(HEALING)
    while (left := _waits(world) + HEALING - world.clock.now) > 0:
        world.run(left)
    well(world)
    before = _picture(world)
    world.run(STEADY)
    well(world)
    if _picture(world) != before:
        raise BrokenError(f"{world.clock.now:.4f}: something changes though nothing happens")
    return world


def _strike(world: World, strike: Strike) -> None:
    node, fault = world.nodes[strike.node % len(world.nodes)], FAULTS[strike.fault]
    heal = fault.begin(node, world.random)
    world.watch.disturb(node)
    world.watch.splitting += fault.splits
    world.clock.after(strike.lasts, partial(_healed, world, node, heal, splits=fault.splits))


def _healed(world: World, node: Node, heal: Heal, *, splits: bool) -> None:
    world.watch.disturb(node)
    heal()
    world.watch.splitting -= splits
    world.watch.disturb(node)


def _waits(world: World) -> float:
    """Until when a VIP is barred from a node, or a proxy on trial, or was."""
    states = [node.daemon.state for node in world.nodes if node.daemon]
    proxies = [state.proxy for state in states]
    trials = [one.started.mono + life.trial(one.failures) for one in proxies if one.started]
    return max([*trials, *(bar.until for state in states for bar in state.barred.values())], default=0)


def _picture(world: World) -> tuple[object, ...]:
    return (
        dict(world.watch.counts),
        [(list(node.addresses), node.pid_of_both()) for node in world.nodes],
    )


def well(world: World) -> None:
    """Every VIP has one holder, the right one; every node is healthy and says so."""
    for node in world.nodes:
        problem = _ill(world, node)
        if problem:
            raise BrokenError(f"{world.clock.now:.4f} {node.name}: not well again: {problem}")


def _ill(world: World, node: Node) -> str:
    daemon = node.daemon
    if daemon is None or not daemon.alive:
        return "no daemon"
    state, answer = daemon.state, verdict(daemon.state, daemon.now)
    if not answer.healthy:
        return f"its verdict is {answer}"
    if any(node.tracks.values()):
        return f"its track_files say {node.tracks}"
    if state.proxy.phase is not Phase.RUNNING or state.keepalived.phase is not Phase.RUNNING:
        return f"proxy {state.proxy.phase}, keepalived {state.keepalived.phase}"
    if node.proxy and node.proxy.shut:
        return "new connections have to wait"
    if state.guard.doubts or state.guard.hung:
        return f"it believes {state.guard}"
    for vip in node.config.vips:
        holders = [one.name for one in world.holders(vip.address)]
        if len(holders) != 1 or (world.setting.preempt and holders != [vip.prefer]):
            return f"{vip} is held by {holders}"
    return ""
