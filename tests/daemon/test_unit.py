"""keepalived as a service of systemd's, which a stand-in for systemctl plays."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.daemon.node import Node
from tests.daemon.test_mending import halbctl
from tests.system.systemctl import Systemctl

pytestmark = pytest.mark.root

NEVER = {"MainPID": 0, "LoadState": "loaded", "ActiveState": "inactive", "InactiveEnterTimestampMonotonic": 0}
STOPPED = NEVER | {"InactiveEnterTimestampMonotonic": 1_000_000}
START = "start --no-block keepalived.service"
FOREIGN = "vrrp_instance mine {\n}\n"
HEARS = """\
import ctypes, signal, sys
libc = ctypes.CDLL(None)
libc.inotify_add_watch(libc.inotify_init(), sys.argv[2].encode(), 2)
signal.signal(signal.SIGHUP, lambda *_: open(sys.argv[1], "a").write("HUP\\n"))
open(sys.argv[1], "x")
while True:
    signal.pause()
"""
"""A stand-in for keepalived, which watches the track files and notes each SIGHUP."""


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


def runs(node: Node, systemctl: Systemctl) -> Path:
    """Start the stand-in for keepalived, until the daemon sees it; where it notes what it is told."""
    heard = node.folder / f"heard.{len(list(node.folder.glob('heard.*')))}"
    one = node.run_in(sys.executable, "-c", HEARS, str(heard), str(node.paths.track_folder))
    node.until(heard.exists, "a keepalived")
    systemctl.says(**(STOPPED | {"MainPID": one.pid, "ActiveState": "active"}))
    node.until(lambda: node.status["keepalived"]["pid"] == one.pid, "that the daemon sees it")
    return heard


def test_what_a_daemon_could_not_tell_before_it_was_killed_is_told_by_the_next_one_once(
    bare: Node, systemctl: Systemctl
) -> None:
    heard, target = runs(bare, systemctl), bare.folder / "keepalived.conf"
    before = target.read_text()
    bare.write(vrrp={"advert_int": 0.3}, keepalived={"manage": "systemd", "config_file": str(target)})
    systemctl.hangs()
    bare.daemon.send_signal(signal.SIGHUP)
    bare.until(lambda: target.read_text() != before, "the new file, of which keepalived is told next")
    for _ in range(2):
        bare.daemon.kill()
        bare.daemon.wait()
        systemctl.answers()
        start(bare, systemctl)
        bare.until(lambda: bool(bare.status["keepalived"]["pid"]), "a look at keepalived, after all was told")
        bare.until(lambda: heard.read_text() != "", "a reload")
    assert heard.read_text() == "HUP\n"


@pytest.mark.parametrize("found", [FOREIGN, None], ids=["overwritten", "removed"])
def test_a_keepalived_conf_that_is_not_halbd_s_is_put_right_and_keepalived_told(
    bare: Node, systemctl: Systemctl, found: str | None
) -> None:
    heard, target = runs(bare, systemctl), bare.folder / "keepalived.conf"
    told, pid, ours = bare.paths.state / "told.json", bare.status["keepalived"]["pid"], target.read_text()
    bare.until(lambda: json.loads(told.read_text())["pid"] == pid, "that it is known to run on halbd's file")
    put(target, found)
    bare.until(lambda: heard.read_text() != "", "a reload")
    assert target.read_text() == ours
    bare.until(lambda: bare.status["config"]["mended"] is not None, "status says so")
    assert bare.status["config"]["mended"]["files"] == [str(target)]
    (line,) = bare.lines("generation.mended")
    assert [one.read_text() for one in Path(line["kept"]).glob("*")] == ([found] if found else [])
    put(target, found)  # the next look is five seconds off
    answer = bare.reload().body
    assert (answer["result"], answer["actions"]) == ("applied", ["reload keepalived (the VIP stays)"])
    assert "was not halbd's" in answer["warnings"][0]
    assert target.read_text() == ours
    assert not [one for one in systemctl.asked if one.startswith("restart")], "that would move the VIP"


def test_a_keepalived_that_was_started_on_a_foreign_file_is_restarted(bare: Node, systemctl: Systemctl) -> None:
    target = bare.folder / "keepalived.conf"
    ours = target.read_text()
    target.write_text(FOREIGN)
    runs(bare, systemctl)
    bare.until(lambda: "restart --no-block keepalived.service" in systemctl.asked, "a restart")
    assert target.read_text() == ours
    assert bare.lines("keepalived.restarted")


def test_one_that_changes_it_again_and_again_is_shown(bare: Node, systemctl: Systemctl) -> None:
    target = bare.folder / "keepalived.conf"
    ours = target.read_text()
    runs(bare, systemctl)
    for times in (1, 2, 3):
        target.write_text(FOREIGN)
        bare.until(lambda: target.read_text() == ours, f"the file put right for the {times}. time")
    bare.until(lambda: bare.status["config"]["mended"]["times"] == 3, "status says so")
    shown = halbctl(bare, "status")
    assert shown.returncode == 1
    assert "put right 3 times, last" in shown.stdout
    assert "config management" in shown.stdout


def put(target: Path, text: str | None) -> None:
    """What somebody else does to the file."""
    if text is None:
        target.unlink()
    else:
        target.write_text(text)
