"""keepalived as a service of systemd's, which a stand-in for systemctl plays."""

from __future__ import annotations

import os

import pytest

from tests.daemon.node import Node
from tests.system.systemctl import Systemctl

pytestmark = pytest.mark.root

NEVER = {"MainPID": 0, "LoadState": "loaded", "ActiveState": "inactive", "InactiveEnterTimestampMonotonic": 0}
STOPPED = NEVER | {"InactiveEnterTimestampMonotonic": 1_000_000}
START = "start --no-block keepalived.service"


@pytest.fixture
def systemctl(bare: Node) -> Systemctl:
    """In place of the real one, for the daemon alone; systemd is as after a boot."""
    one = Systemctl(bare.folder)
    one.says(**NEVER)
    bare.write(keepalived={"manage": "systemd", "config_file": str(bare.folder / "keepalived.conf")})
    bare.start_servers()
    start(bare, one)
    bare.until(lambda: START in one.asked, "keepalived.service started")
    return one


def start(node: Node, systemctl: Systemctl) -> None:
    """Start the daemon, until it answers."""
    node.start(before=("env", f"PATH={systemctl.folder}:{os.environ['PATH']}"))
    node.until(lambda: bool(node.status.get("healthy")), "a daemon that is well")


def test_a_daemon_that_was_killed_does_not_start_a_keepalived_that_an_operator_stopped(
    bare: Node, systemctl: Systemctl
) -> None:
    systemctl.says(**STOPPED)
    begun = list(systemctl.asked)
    bare.daemon.kill()
    bare.daemon.wait()
    start(bare, systemctl)
    bare.until(lambda: bool(bare.status["keepalived"]["stopped"]), "a keepalived that is left alone")
    assert bare.status["keepalived"]["stopped"]["why"] == "it was stopped by somebody"
    assert bare.lines("keepalived.left_alone")
    assert systemctl.asked == begun


def test_what_could_not_be_told_at_the_start_is_told_later(bare: Node, systemctl: Systemctl) -> None:
    """A folder where keepalived.conf belongs: it can be neither read nor replaced."""
    target = bare.folder / "keepalived.conf"
    bare.daemon.kill()
    bare.daemon.wait()
    target.unlink()
    target.mkdir()
    start(bare, systemctl)
    bare.until(lambda: bool(bare.lines("keepalived.not_told")), "a failure")
    target.rmdir()
    bare.until(target.is_file, "keepalived.conf")
    assert len(bare.lines("keepalived.not_told")) == 1
