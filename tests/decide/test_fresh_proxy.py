"""What is believed of a proxy that has just come about."""

from __future__ import annotations

import pytest

from halbd.decide.probing import WARM_UP, fresh
from halbd.decide.targets import local_targets
from halbd.model.child import Child, Phase
from halbd.model.events import ProxySeen
from halbd.model.evidence import Streak
from halbd.model.replacing import replace
from halbd.model.state import Series, ServerRef
from tests.decide.driver import Driver, running, view

NODE = running(holder=True)
LOCAL = {target.name for target in local_targets(NODE.state.config)}


@pytest.mark.parametrize(
    ("adopted", "restarts", "first"),
    [(True, 0, Streak()), (True, 1, Streak()), (False, 0, Streak()), (False, 1, Streak(up=False))],
)
def test_one_in_the_place_of_a_dead_one_must_prove_itself_and_one_that_was_found_is_asked_at_once(
    adopted: bool, restarts: int, first: Streak
) -> None:
    state = replace(NODE.state, proxy=Child(Phase.RUNNING, 100, restarts=restarts))
    due = NODE.mono if adopted else NODE.mono + WARM_UP
    new = fresh(state, NODE.now, adopted=adopted, handed_over=False)
    unproven = Series(due, first, begun=NODE.mono, blamed=first.up is False)
    held = Series(due, Streak(up=True), begun=NODE.mono)
    assert new.series == {name: unproven if name in LOCAL else held for name in NODE.state.series}
    assert new.admin == Series(due, begun=NODE.mono)


@pytest.mark.parametrize("adopted", [False, True])
def test_nothing_that_was_seen_of_an_earlier_one_is_believed_of_it(*, adopted: bool) -> None:
    before = replace(
        NODE.state, mute="its socket was removed", proven=not adopted, blind_since=NODE.now, sight_since=NODE.mono,
        down={ServerRef("api", "one", "10.0.0.1:1"): 1.0}, cut=frozenset({ServerRef("api", "one", "10.0.0.1:1")}),
    )  # fmt: skip
    new = fresh(before, NODE.now, adopted=adopted, handed_over=adopted)
    assert (new.view, new.mute, new.proven, new.blind_since, new.sight_since) == (None, "", adopted, None, None)
    assert (new.down, new.cut) == ({}, frozenset())


def test_one_that_tells_that_it_sees_no_server_is_known_to_work() -> None:
    node = Driver()
    node.spawned()
    assert node.state.proven is False
    node.post(ProxySeen(view(node.state.config, 0)))
    assert node.state.proven is True
