"""The life of a child, row by row of its table."""

from __future__ import annotations

from datetime import UTC, datetime
from signal import Signals

import pytest

from halbd.decide import life
from halbd.model.child import Child, Phase, Program
from halbd.model.effects import Signal, Spawn
from halbd.model.evidence import Now

P = Program.PROXY


def at(mono: float) -> Now:
    return Now(mono, datetime(2026, 1, 1, tzinfo=UTC))


def alive(mono: float = 0) -> Child:
    child, _ = life.start(Child(), P, at(mono))
    child, _ = life.spawned(child, P, 7, 99, at(mono))
    return child


def test_start_spawns_once() -> None:
    child, effects = life.start(Child(), P, at(0))
    assert (child.phase, effects) == (Phase.STARTING, (Spawn(P),))
    assert life.start(child, P, at(1)) == (child, ())


def test_a_death_rests_and_then_starts_again() -> None:
    child, effects = life.died(alive(), "killed by SIGKILL", 0.0, at(1))
    assert (child.phase, child.pid, child.last_exit, effects) == (Phase.BACKOFF, None, "killed by SIGKILL", ())
    assert child.due == 1 + life.FIRST_DELAY
    assert life.tick(child, P, at(1.1)) == (child, ())
    child, effects = life.tick(child, P, at(1.2))
    assert (child.phase, child.restarts, effects) == (Phase.STARTING, 1, (Spawn(P),))


def test_backoff_doubles_up_to_its_cap_and_is_forgotten_after_a_long_life() -> None:
    child, delays = alive(), []
    for n in range(12):
        child, _ = life.died(child, "exited", 0.0, at(n * 100))
        assert child.due is not None
        delays.append(child.due - n * 100)
        child, _ = life.tick(child, P, at(child.due))
        child, _ = life.spawned(child, P, 8, 1, at(n * 100 + 99))
    assert delays[:4] == pytest.approx([0.2, 0.4, 0.8, 1.6])
    assert max(delays) == delays[-1] == life.LONGEST_DELAY
    child, _ = life.died(child, "exited", 0.0, at(1199 + life.SETTLED))
    assert child.failures == 1


def restarted(deaths: int, lives: float = 0) -> Child:
    """One that has died so often in a row, each time after so many seconds, and runs again since 1000."""
    child = alive(1000)
    for _ in range(deaths):
        child, _ = life.died(child, "exited", 0.0, at(1000 + lives))
        child, _ = life.tick(child, P, at(1000 + lives + life.LONGEST_DELAY))
        child, _ = life.spawned(child, P, 8, 1, at(1000))
    return child


@pytest.mark.parametrize(
    ("deaths", "seconds"), [(0, None), (1, None), (2, None), (3, 8), (4, 16), (5, 32), (6, 60), (7, 60), (50, 60)]
)
def test_from_the_third_death_in_a_row_on_it_is_on_trial_for_a_while(deaths: int, seconds: float | None) -> None:
    child = restarted(deaths)
    assert (child.on_trial, child.due) == (seconds is not None, seconds and 1000 + seconds)


def test_a_trial_ends_with_time_and_nothing_is_forgotten_by_that() -> None:
    child = restarted(3)
    assert life.tick(child, P, at(1007.9)) == (child, ())
    child, effects = life.tick(child, P, at(1008))
    assert (child.phase, child.on_trial, child.failures, effects) == (Phase.RUNNING, False, 3, ())
    child, _ = life.died(child, "exited", 0.0, at(1000 + life.SETTLED - 0.1))
    assert child.failures == 4


def test_who_takes_over_from_one_that_runs_is_tried_for_no_longer_than_that() -> None:
    heir, effects = life.spawned(restarted(3), P, 9, 2, at(1005))
    assert (heir.pid, heir.on_trial, heir.due, effects) == (9, True, 1008, ())
    trusted, _ = life.tick(restarted(3), P, at(1008))
    heir, _ = life.spawned(trusted, P, 9, 2, at(1020))
    assert (heir.on_trial, heir.due, heir.failures, heir.started) == (False, None, 3, at(1020))
    heir, _ = life.spawned(trusted, P, 9, 2, at(1000 + life.SETTLED))
    assert (heir.on_trial, heir.failures) == (False, 0)


def test_a_trial_ends_with_the_process_too() -> None:
    child, _ = life.died(restarted(3), "exited", 0.0, at(1001))
    assert (child.phase, child.on_trial) == (Phase.BACKOFF, False)
    child, effects = life.stop(restarted(3), P, at(1001))
    assert (child.on_trial, child.due, effects) == (False, 1001 + life.GRACE, (Signal(P, Signals.SIGTERM),))


def test_who_lives_for_long_enough_has_never_died() -> None:
    assert restarted(5, lives=life.SETTLED).failures == 1


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_jitter_only_shortens_and_never_by_more_than_a_quarter(jitter: float) -> None:
    assert 0.75 * life.LONGEST_DELAY <= life.delay(50, jitter) <= life.LONGEST_DELAY


def test_a_failed_start_rests_too() -> None:
    child, _ = life.start(Child(), P, at(0))
    child, _ = life.died(child, "cannot start haproxy", 0.0, at(0))
    assert (child.phase, child.failures) == (Phase.BACKOFF, 1)


def test_stop_terminates_then_kills_then_stays_stopped() -> None:
    child, effects = life.stop(alive(), P, at(10))
    assert effects == (Signal(P, Signals.SIGTERM),)
    child, effects = life.tick(child, P, at(10 + life.GRACE))
    assert effects == (Signal(P, Signals.SIGKILL),)
    assert life.tick(child, P, at(99)) == (child, ())
    child, effects = life.died(child, "killed by SIGKILL", 0.0, at(16))
    assert (child.phase, effects) == (Phase.STOPPED, ())


def test_stop_while_starting_is_heeded_when_the_process_is_there() -> None:
    child, _ = life.start(Child(), P, at(0))
    child, effects = life.stop(child, P, at(0))
    assert effects == ()
    child, effects = life.spawned(child, P, 7, 1, at(0))
    assert effects == (Signal(P, Signals.SIGTERM),)


def test_stop_while_resting_is_the_end() -> None:
    child, _ = life.died(alive(), "exited", 0.0, at(1))
    assert life.stop(child, P, at(1))[0].phase is Phase.STOPPED
    assert life.stop(Child(), P, at(1)) == (Child(), ())


def test_jitter_takes_off_its_share_of_a_quarter() -> None:
    assert life.delay(50, 0.5) == life.LONGEST_DELAY * 0.875
    assert life.delay(0, 0.8) == life.FIRST_DELAY * 0.8


def test_every_step_notes_its_moment_and_a_death_forgets_the_process() -> None:
    """What is left of a process that is gone could be taken for another one."""
    gone, _ = life.died(alive(), "killed by SIGKILL", 0.0, at(7))
    assert (gone.changed, gone.pid, gone.start_ticks, gone.last_exit) == (at(7), None, 0, "killed by SIGKILL")
    stopping, _ = life.stop(alive(), P, at(8))
    assert (stopping.changed, stopping.due) == (at(8), 8 + life.GRACE)
    ended, _ = life.died(stopping, "exited with code 0", 0.0, at(9))
    assert (ended.changed, ended.due) == (at(9), None)
    starting, _ = life.start(Child(), P, at(1))
    assert life.stop(starting, P, at(2))[0].changed == at(2)


def test_every_change_of_the_phase_notes_its_moment() -> None:
    started, _ = life.start(Child(), P, at(1))
    running, _ = life.spawned(started, P, 7, 99, at(2))
    dead, _ = life.died(running, "exited", 0.0, at(3))
    again, _ = life.tick(dead, P, at(4))
    ended = [life.stop(child, P, at(5))[0] for child in (started, running, dead)]
    moments = [child.changed for child in (started, running, dead, again, *ended)]
    assert moments == [at(second) for second in (1, 2, 3, 4, 5, 5, 5)]
    assert [child.due for child in (again, *ended)] == [None, None, 5 + life.GRACE, None]
    assert (running.start_ticks, dead.start_ticks) == (99, 0)


def test_a_few_deaths_are_no_trial() -> None:
    assert [life.trial(deaths) for deaths in (life.OFTEN - 1, life.OFTEN)] == [0, 8]
