"""What must hold, holds: in short schedules that hypothesis makes, and shrinks where one of them breaks."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sim.faults import FAULTS
from tests.sim.play import Schedule, Strike, play
from tests.sim.world import Setting

SECONDS = st.floats(0, 15).map(lambda seconds: round(seconds, 3))

STRIKES = st.builds(Strike, st.sampled_from(list(FAULTS)), st.integers(0, 2), st.just(0.0) | SECONDS, SECONDS)

SETTINGS = st.builds(
    Setting,
    nodes=st.sampled_from((2, 3)),
    vips=st.sampled_from((1, 2)),
    on_no_servers=st.sampled_from(("lower_priority", "fail", "ignore")),
    advert_int=st.sampled_from((0.1, 0.2, 1)),
    unit=st.booleans(),
)

SCHEDULES = st.builds(
    Schedule,
    seed=st.integers(0, 9).map(str),
    setting=SETTINGS,
    strikes=st.lists(STRIKES, min_size=1, max_size=4).map(tuple),
)


@pytest.mark.slow
@pytest.mark.timeout(600)  # shrinking takes its time
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.large_base_example),
)
@given(SCHEDULES)
def test_whatever_goes_wrong_nothing_stale_counts_and_the_world_is_right_again(schedule: Schedule) -> None:
    play(schedule)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_is_survived_by_two_nodes(fault: str) -> None:
    play(Schedule("1", Setting(), (Strike(fault, 0, 0.4, 7),)))


def test_a_run_can_be_repeated_from_its_schedule() -> None:
    schedule = Schedule("1", Setting(), (Strike("proxy_crash_loop", 0, 0.4, 7), Strike("adverts_lost", 1, 1, 9)))
    one, two = (play(schedule).watch for _ in range(2))
    assert (one.steps, one.counts) == (two.steps, two.counts)
