"""A HAProxy whose master cannot execute itself again: the worker serves on, and nobody can tell either anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from halbd.lab.faults.removing import remove
from tests.daemon.conftest import program
from tests.daemon.node import Node
from tests.daemon.test_drain import halbctl

pytestmark = pytest.mark.root


def test_a_master_without_its_program_serves_on_and_is_well_again_when_that_is_back(bare: Node, binary: Path) -> None:
    """Its sockets were removed, which takes a reload. To end it would leave nobody who serves: no other could start."""
    pid = bare.proxy["pid"]
    binary.unlink()
    remove(bare.paths.runtime)
    bare.until(lambda: "master does not answer" in str(bare.proxy.get("mute")), "the reason")
    assert halbctl(bare, "status")[0] == 1
    assert bare.holds_vip
    assert bare.check().returncode == 0
    binary.symlink_to(program(bare))
    bare.until(lambda: bare.proxy["mute"] is None and bare.proxy["pid"] == pid, "its sockets")
    assert bare.reload().status == 200
    assert [row["change"] for row in bare.status["transitions"]] == ["gained"]
    # It lost sight of its track files meanwhile, and was not told once more for each look while it had to wait.
    assert sum("Reload complete" in row["line"] for row in bare.lines("keepalived.says")) in {1, 2}
