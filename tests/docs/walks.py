"""Every way through the tables in halbd/decide, found by walking them: what docs/states.md draws."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import TypeVar

from halbd.decide import life, stopping
from halbd.decide.draining import next_due as drain_due
from halbd.decide.handover import offer_time
from halbd.decide.step import next_due
from halbd.model.child import Child, Phase, Program
from halbd.model.effects import DrainSettled, Effect, Finish, Signal, Spawn
from halbd.model.events import ConnectionsEnded, DrainRequested, Event, Exited, StopRequested, Tick, UndrainRequested
from halbd.model.evidence import Now
from tests.decide.driver import BEGIN, Driver, of, running
from tests.sample import config

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """In `before`, `event` happens; then it is `after`, and halbd does `deed` ("" for nothing)."""

    before: str
    event: str
    after: str
    deed: str


Moves = Callable[[T], Iterable[tuple[str, T, str]]]


def walk(first: Iterable[T], name: Callable[[T], str], key: Callable[[T], Hashable], moves: Moves[T]) -> set[Edge]:
    """Every edge that can be reached; a move that changes nothing and does nothing is none."""
    waiting, seen, edges = list(first), set[Hashable](), set[Edge]()
    while waiting:
        here = waiting.pop()
        if key(here) in seen:
            continue
        seen.add(key(here))
        for event, there, deed in moves(here):
            waiting.append(there)
            if name(there) != name(here) or deed:
                edges.add(Edge(name(here), event, name(there), deed))
    return edges


# the life of a child


def child() -> set[Edge]:
    """halbd/decide/life.py."""
    return walk(
        [Child()], _phase, lambda one: (one.phase, one.pid, one.due, min(one.failures, life.OFTEN)), _child_moves
    )


def _phase(one: Child) -> str:
    return "trial" if one.on_trial else one.phase.value


def _child_moves(one: Child) -> Iterator[tuple[str, Child, str]]:
    """What can happen to a child in the world: only a spawn that is under way ends, and only a process."""
    begun, later = Now(0, BEGIN), Now(1000, BEGIN)
    spawning = one.pid is None and one.phase in (Phase.STARTING, Phase.STOPPING)
    results = {
        "start": life.start(one, Program.PROXY, begun),
        "stop": life.stop(one, Program.PROXY, begun),
        "due": life.tick(one, Program.PROXY, later),
    }
    if spawning:
        results["spawned"] = life.spawned(one, Program.PROXY, 7, 1, begun)
        results["spawn failed"] = life.died(one, "it could not", 0.0, begun)
    if one.pid is not None:
        results["exited"] = life.died(one, "it ended", 0.0, begun)
    for event, (after, effects) in results.items():
        yield event, after, _deeds(effects)


# a drain and a stop


def drain() -> set[Edge]:
    """halbd/decide/draining.py, as the loop has it."""
    no_offer = config(health={"on_no_servers": "ignore"}, vrrp={"preempt": False})
    first = [running(holder=True), running(), running(no_offer, holder=True)]
    return walk(first, _drain_name, _drain_key, _drain_moves)


def _drain_name(node: Driver) -> str:
    one = node.state.maintenance
    return "serving" if one is None else "offered" if one.withdrawn is None else "withdrawn"


def _drain_key(node: Driver) -> Hashable:
    one = node.state.maintenance
    timed = one and (one.force, one.until is None)
    return _drain_name(node), bool(node.state.held), timed, node.state.config.vrrp.preempt


def _drain_moves(node: Driver) -> Iterator[tuple[str, Driver, str]]:
    for words, until, force in (("drain", None, False), ("drain --force", None, True), ("drain --for", 60, False)):
        request = DrainRequested(BEGIN, until and node.mono + until, force=force, number=1)
        yield _outcome(words, node, _posting(request))
    yield _outcome("undrain", node, _posting(UndrainRequested()))
    one = node.state.maintenance
    if one and node.state.held:
        yield _outcome("the VIP has left", node, lambda one: one.hold(present=False))
    if one and (due := drain_due(node.state)) is not None:
        over = one.until is not None and due >= one.until
        words = "its time is over" if over else f"nobody took the VIP{' (--force)' * one.force}"
        yield _outcome(words, node, lambda one: one.live(due - one.mono))


def _outcome(words: str, node: Driver, act: Callable[[Driver], object]) -> tuple[str, Driver, str]:
    after, effects = _done(node, act)
    outcomes = [one.outcome.value for one in of(DrainSettled, effects)]
    return words, after, "; ".join(dict.fromkeys(outcomes))


def stop() -> set[Edge]:
    """halbd/decide/stopping.py, as the loop has it."""
    return walk([running(holder=True), running()], _stop_name, _stop_key, _stop_moves)


def _stop_name(node: Driver) -> str:
    state = node.state
    phases = {state.proxy.phase, state.keepalived.phase}
    if state.stopping is None:
        return "running"
    if phases == {Phase.STOPPED}:
        return "ended"
    if Phase.STOPPING in phases:
        return "ending"
    return "offered" if state.stopping.faulted is None else "withdrawn"


def _stop_key(node: Driver) -> Hashable:
    state = node.state
    parting = frozenset((one.asked, bool(one.mute)) for one in state.parting.values())
    return (
        _stop_name(node),
        bool(state.held),
        parting,
        state.proxy.phase,
        state.keepalived.phase,
        state.proxy.due is None,
    )


def _stop_moves(node: Driver) -> Iterator[tuple[str, Driver, str]]:
    state, name = node.state, _stop_name(node)
    if name == "running":
        yield _deed("SIGTERM", node, _posting(StopRequested()))
        return
    if state.held:
        yield _deed("the VIP has left", node, lambda one: one.hold(present=False))
    if any(one.asked for one in state.parting.values()):
        yield _deed("its connections are ended", node, _posting(ConnectionsEnded(node.vip, 1, ())))
    for program, child in ((Program.PROXY, state.proxy), (Program.KEEPALIVED, state.keepalived)):
        if child.phase is Phase.STOPPING and child.pid is not None:
            gone = Exited(program, child.pid, "it ended", 0.0)
            yield _deed("proxy and keepalived have exited", node, _posting(gone))
    waits = {
        "offered": f"nobody took the VIP in {offer_time(state.config):g} s",
        "withdrawn": f"{stopping.WITHDRAW:g} s have passed",
        "ending": f"{life.GRACE:g} s have passed",
    }
    if name in waits and next_due(state) is not None:
        yield _deed(waits[name], node, _wait)


def _wait(node: Driver) -> None:
    """Until the stop has gone on, or for as long as nothing of it lasts."""
    name, end = _stop_name(node), node.mono + 10
    while _stop_name(node) == name and not of(Signal, node.effects):
        due = next_due(node.state)
        if due is None or due > end:
            return
        node.mono = max(node.mono, due)
        node.post(Tick())


def _posting(event: Event) -> Callable[[Driver], object]:
    return lambda node: node.post(event)


def _deed(words: str, node: Driver, act: Callable[[Driver], object]) -> tuple[str, Driver, str]:
    after, effects = _done(node, act)
    return words, after, _deeds(effects)


def _done(node: Driver, act: Callable[[Driver], object]) -> tuple[Driver, list[Effect]]:
    """The node after that, and what was done; the node that was given stays as it is."""
    after = copy(node)
    after.effects = []
    act(after)
    return after, after.effects


def _deeds(effects: Iterable[Effect]) -> str:
    words = []
    for effect in effects:
        match effect:
            case Spawn():
                words.append("spawn")
            case Signal():
                words.append(effect.signal.name)
            case Finish():
                words.append("the daemon ends")
            case _:
                continue
    return ", ".join(dict.fromkeys(words))
