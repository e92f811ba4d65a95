"""When the files in force are looked at, and what is told of one that was put right."""

from __future__ import annotations

from halbd.decide.mending import FORGET, INTERVAL, LONGEST_REST, next_due
from halbd.model.effects import LookAtGeneration, Say
from halbd.model.events import ConfigApplied, FilesMended, StopRequested, Tick
from tests.decide.driver import Driver


def looks(node: Driver, seconds: float) -> int:
    """How many there are within that time, in steps of a second."""
    found = 0
    for _ in range(int(seconds)):
        node.mono += 1
        found += sum(isinstance(effect, LookAtGeneration) for effect in node.post(Tick()))
    return found


def test_the_files_in_force_are_looked_at_again_and_again_until_halbd_stops() -> None:
    node = Driver()
    assert looks(node, INTERVAL - 1) == 0
    assert looks(node, 4 * INTERVAL) == 4
    node.post(StopRequested())
    assert looks(node, 4 * INTERVAL) == 0


def test_what_was_put_right_is_told_until_the_next_config() -> None:
    node = Driver()
    said = [one for one in node.post(FilesMended(("lds.json",), "/kept")) if isinstance(one, Say)]
    assert [(one.event, one.fields["files"], one.fields["kept"]) for one in said] == [
        ("generation.mended", ["lds.json"], "/kept")
    ]
    assert node.state.mended is not None
    node.post(ConfigApplied(node.state.config))
    assert node.state.mended is None


def test_whoever_undoes_it_again_and_again_is_not_fought_at_full_speed() -> None:
    node = Driver()
    node.mono = 100 * FORGET  # up for longer than that
    rests = []
    for _ in range(6):
        node.post(FilesMended(("keepalived.conf",), "/kept"))
        rests.append(next_due(node.state) - node.mono)
    assert rests == [INTERVAL, 2 * INTERVAL, 4 * INTERVAL, 8 * INTERVAL, LONGEST_REST, LONGEST_REST]
    node.mono += FORGET
    node.post(FilesMended(("keepalived.conf",), "/kept"))
    assert node.state.mended is not None
    assert node.state.mended.times == 1
