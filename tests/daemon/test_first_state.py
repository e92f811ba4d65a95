"""What a daemon knows before it has seen anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from halbd.daemon.history import History
from halbd.daemon.start import first_state
from halbd.model.paths import FAULT, Paths
from tests.sample import config


@pytest.mark.parametrize("found", [b"\xff\xfe0\n", b"", b"1\n", None])
def test_a_node_that_held_nothing_says_no_until_there_is_a_verdict(tmp_path: Path, found: bytes | None) -> None:
    """Whatever its track file holds, but a plain yes."""
    paths = Paths(tmp_path, tmp_path, tmp_path)
    paths.track_folder.mkdir()
    if found is not None:
        (paths.track_folder / FAULT).write_bytes(found)
    state = first_state(paths, config(keepalived={"manage": "child"}), History(paths.history))
    assert state.pushed[FAULT] == 1
    assert (paths.track_folder / FAULT).read_bytes() == b"1\n"
