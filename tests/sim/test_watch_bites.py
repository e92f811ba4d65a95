"""Every claim of the watch bites: a `step` that is broken on purpose is told from the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from halbd.decide.step import Step, step
from halbd.model.child import Phase, Program
from halbd.model.effects import DrainSettled, Effect, Finish, LetIn, Push, Record, RemoveAddress, Spawn
from halbd.model.events import AddressChanged, AddressesDumped, AdvertsHeard, Event, Exited, Tick
from halbd.model.evidence import Now, Streak
from halbd.model.paths import FAULT
from halbd.model.state import State
from tests.sim.play import Schedule, Strike, play
from tests.sim.watch import BrokenError
from tests.sim.world import Setting, World

Broken = Callable[[State, Event, Now], Step]


def _without(kind: type[Effect]) -> Broken:
    def broken(state: State, event: Event, now: Now) -> Step:
        state, effects = step(state, event, now)
        return state, tuple(effect for effect in effects if not isinstance(effect, kind))

    return broken


def believes_old_answers(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    series = {
        name: replace(one, last=replace(one.last, at=now) if one.last else None) for name, one in state.series.items()
    }
    return replace(state, series=series), effects


def does_not_hear_of_deaths(state: State, event: Event, now: Now) -> Step:
    return step(state, Tick() if isinstance(event, Exited) else event, now)


def starts_two(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    return state, effects + tuple(effect for effect in effects if isinstance(effect, Spawn))


def never_rests(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    if state.proxy.phase is not Phase.BACKOFF:
        return state, effects
    return replace(state, proxy=replace(state.proxy, phase=Phase.STARTING, due=None)), (*effects, Spawn(Program.PROXY))


def rests_for_long(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    resting = state.proxy.phase is Phase.BACKOFF
    return replace(state, proxy=replace(state.proxy, due=now.mono + 100)) if resting else state, effects


def keeps_the_fault_to_itself(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    return state, tuple(e for e in effects if not (isinstance(e, Push) and e.name == FAULT and e.value))


def does_not_count_to_rise(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    series = {
        name: replace(one, streak=Streak(up=True), blamed=False) if one.streak.last_ok else one
        for name, one in state.series.items()
    }
    return replace(state, series=series), effects


def changes_its_mind(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    blamed = int(now.mono) % 7 == 0
    return replace(state, series={n: replace(one, blamed=blamed) for n, one in state.series.items()}), effects


def blames_what_it_hears(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    if not isinstance(event, AdvertsHeard) or now.mono < 1024:
        return state, effects
    return replace(state, series={n: replace(one, blamed=True) for n, one in state.series.items()}), effects


def wakes_for_nothing(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    return replace(state, proxy=replace(state.proxy, due=now.mono)), effects


def does_not_hear_of_addresses(state: State, event: Event, now: Now) -> Step:
    return step(state, Tick() if isinstance(event, AddressChanged | AddressesDumped) else event, now)


def drains_for_ever(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    drained = state.maintenance
    return replace(state, maintenance=replace(drained, until=None)) if drained else state, effects


def says_it_twice(state: State, event: Event, now: Now) -> Step:
    state, effects = step(state, event, now)
    return state, effects + tuple(effect for effect in effects if isinstance(effect, Record))


@pytest.mark.parametrize(
    ("broken", "fault", "words"),
    [
        (believes_old_answers, "daemon_hang", "after the last answer"),
        (does_not_hear_of_deaths, "proxy_kill", "yes with a proxy that is dead"),
        (starts_two, "proxy_kill", "a second proxy"),
        (never_rests, "proxy_cannot_start", "without a rest"),
        (rests_for_long, "proxy_kill", "a rest until"),
        (keeps_the_fault_to_itself, "proxy_hang", "after its verdict said no"),
        (does_not_count_to_rise, "proxy_kill", "yes again"),
        (changes_its_mind, "clock_jump", "without evidence"),
        (blames_what_it_hears, "clock_jump", "without evidence"),
        (wakes_for_nothing, "clock_jump", "awake for nothing"),
        (does_not_hear_of_addresses, "clock_jump", "believes to hold"),
        (says_it_twice, "vip_deleted", "history says twice"),
        (_without(RemoveAddress), "vip_added", "two hold"),
        (_without(LetIn), "drain", "new connections wait"),
        (_without(Finish), "daemon_stop", "after SIGTERM"),
        (_without(DrainSettled), "drain", "no outcome of a drain"),
    ],
)
def test_a_broken_step_is_noticed(broken: Broken, fault: str, words: str) -> None:
    node = 1 if fault == "vip_added" else 0
    with pytest.raises(BrokenError, match=words):
        play(Schedule("1", Setting(), (Strike(fault, node, 0.4, 20),)), broken)


def test_a_vip_that_a_stop_leaves_behind_is_noticed() -> None:
    """Neither node's keepalived runs any more, so nobody else would take it along."""
    strikes = Strike("keepalived_cannot_start", 1, 0, 30), Strike("keepalived_cannot_start", 0, 1, 30)
    schedule = Schedule("1", Setting(), (*strikes, Strike("daemon_stop", 0, 1, 20)))
    assert play(schedule).watch.steps
    with pytest.raises(BrokenError, match="has stopped, and left"):
        play(schedule, _without(RemoveAddress))


def test_a_drain_that_goes_on_after_its_end_is_noticed() -> None:
    for broken in (step, drains_for_ever):
        world = World("1", Setting(), broken)
        world.run(20)
        daemon = world.nodes[0].daemon
        assert daemon is not None
        daemon.drain(5.0, force=False)
        if broken is step:
            world.run(10)
        else:
            with pytest.raises(BrokenError, match="after the end that was asked for"):
                world.run(10)
