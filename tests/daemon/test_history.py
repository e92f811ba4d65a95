"""The history on a real disk: nothing is lost that can be kept, and nothing in the file stops the daemon."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from halbd.daemon.history import LONGEST, History
from halbd.decide.status import transition
from halbd.model.transition import Role, Transition
from tests.render.netns import run

ONE = Transition(
    at=datetime(2026, 1, 1, 12, 30, 0, 123456, tzinfo=UTC),
    vip=ip_address("10.99.0.4"),
    interface="eth0",
    gained=True,
    role_before=Role.BACKUP,
    role_after=Role.MASTER,
    lasted=1.5,
    cause="elected: no better node is heard",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.jsonl"


@pytest.fixture
def history(path: Path) -> History:
    path.parent.mkdir()
    return History(path)


def test_what_is_written_is_read_back(history: History, path: Path) -> None:
    assert history.add(ONE) is None
    assert history.add(replace(ONE, gained=False, lasted=None)) is None
    assert History(path).transitions(10) == (ONE, replace(ONE, gained=False, lasted=None))


def test_the_last_ones_come_oldest_first(history: History) -> None:
    for i in range(5):
        history.add(replace(ONE, lasted=float(i)))
    assert [row["lasted_s"] for row in history.last(2)] == [3.0, 4.0]
    assert history.last(0) == []


def test_a_torn_line_and_other_peoples_lines_are_left_out(history: History, path: Path) -> None:
    history.add(ONE)
    with path.open("ab") as file:
        file.write(b'{"at": "2026\n[1]\nnull\n\xff\xfe\n\n{"at": 1}\n')
    history.add(ONE)
    assert History(path).transitions(10) == (ONE, ONE)


def test_a_line_that_a_crash_tore_does_not_swallow_the_next(history: History, path: Path) -> None:
    """No newline at the end of what is there."""
    history.add(ONE)
    with path.open("a") as file:
        file.write('{"at": "2026')
    History(path).add(ONE)
    assert History(path).transitions(10) == (ONE, ONE)


def test_what_cannot_be_written_waits(history: History, path: Path) -> None:
    away = path.parent.rename(path.parent.with_name("away"))
    assert history.add(ONE) == f"cannot write {path}: No such file or directory"
    assert history.unwritten == 1
    away.rename(path.parent)
    assert history.add(replace(ONE, gained=False)) is None
    assert history.unwritten == 0
    assert history.transitions(10) == (ONE, replace(ONE, gained=False))


@pytest.mark.root
def test_a_disk_that_has_room_for_half_a_line_gets_none_of_it(tmp_path: Path) -> None:
    """A file takes whole pages, so a write that begins in its last one is cut short at its end."""
    run("mount", "-t", "tmpfs", "-o", "size=64k", "halbd-test", str(tmp_path))
    try:
        path, rest = tmp_path / "history.jsonl", tmp_path / "rest"
        history, long = History(path), replace(ONE, cause="c" * 3000)
        assert history.add(long) is None
        rest.write_bytes(bytes(free(tmp_path)))
        whole = path.read_bytes()
        assert history.add(long) == f"cannot write {path}: No space left on device"
        assert (path.read_bytes(), history.unwritten) == (whole, 1)
        rest.unlink()
        assert history.add(ONE) is None
        assert (History(path).transitions(10), history.unwritten) == ((long, long, ONE), 0)
    finally:
        run("umount", str(tmp_path))


def free(folder: Path) -> int:
    room = os.statvfs(folder)
    return room.f_bavail * room.f_bsize


def test_the_older_half_goes_when_there_are_too_many(path: Path) -> None:
    path.parent.mkdir()
    line = json.dumps(transition(ONE)) + "\n"
    path.write_text(line * (2 * LONGEST - 1))
    full = History(path)
    full.add(replace(ONE, gained=False))
    lines = path.read_text().splitlines()
    assert len(lines) == LONGEST
    assert json.loads(lines[-1])["change"] == "lost"
