"""A HAProxy that starts anew, and is not reloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from halbd.daemon.proxy_haproxy import Haproxy
from halbd.model.paths import Paths
from tests.sample import config


@pytest.mark.root
def test_it_begins_without_the_states_of_the_last_reload(tmp_path: Path) -> None:
    """Those may be weeks old, and of an outage that is over."""
    paths = Paths(tmp_path, tmp_path, tmp_path)
    paths.server_state.write_text("1\n# be_id\n3 api 1 a 10.10.50.11 0 0 1 1 42 8 2 0 6 0 0 0 - 6443 - 0 0 - - 0\n")
    Haproxy(paths).command(config())
    assert paths.server_state.read_text() == "1\n"
