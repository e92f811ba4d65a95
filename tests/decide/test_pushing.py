"""The track_files: written when what they should hold changes, and again where that could not be done."""

from __future__ import annotations

import pytest

from halbd.decide import pushing
from halbd.decide.pushing import AGAIN
from halbd.model.effects import Push
from halbd.model.events import ConfigApplied, PushFailed, PushLost, Tick
from tests.decide.driver import of, running
from tests.sample import config


def test_a_track_file_that_cannot_be_written_is_tried_again_once_a_second() -> None:
    node = running()
    node.died()
    done = node.post(PushFailed("fault"))
    assert of(Push, done) == [], "not in the same turn"
    assert pushing.next_due(node.state) == node.mono + AGAIN, "nothing else need wake it then"
    assert [p.name for p in of(Push, node.wait(AGAIN))] == ["fault"]


def test_a_track_file_that_could_not_be_written_and_is_no_longer_wanted_wakes_nobody() -> None:
    node = running()
    node.post(PushFailed("no_servers.lb1"))
    node.post(ConfigApplied(config(vips=[{"address": "10.10.50.4", "prefer": "lb2"}])))
    assert pushing.next_due(node.state) is None
    assert "no_servers.lb1" not in [p.name for p in of(Push, node.wait(2 * AGAIN))]


def test_another_verdict_is_written_at_once_also_where_the_one_before_could_not_be() -> None:
    node = running()
    node.post(PushFailed("fault"))
    assert [(p.name, p.value) for p in of(Push, node.died())] == [("fault", 1)]


@pytest.mark.parametrize("stale", [False, True])
def test_a_track_file_that_lost_what_was_written_gets_it_back_at_once(*, stale: bool) -> None:
    """Also one that halbd could not write a moment ago, and also where there is no verdict just now."""
    node = running()
    node.mono += 20 * stale
    assert node.verdict.stale == stale
    assert [(p.name, p.value) for p in of(Push, node.post(PushLost("fault")))] == [("fault", 0)]
    assert of(Push, node.post(Tick())) == []


def test_news_of_a_track_file_that_is_no_longer_ours_changes_nothing() -> None:
    node = running()
    before = node.state
    assert node.post(PushFailed("no_servers.gone"), PushLost("no_servers.gone")) == []
    assert (node.state.pushed, node.state.unpushed) == (before.pushed, before.unpushed)
