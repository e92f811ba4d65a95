"""The history on a real disk: nothing is lost that can be kept, and nothing in the file stops the daemon."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from halbd.daemon.history import LONGEST, History
from halbd.decide.status import transition
from halbd.model.transition import Role, Transition

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


def test_the_older_half_goes_when_there_are_too_many(path: Path) -> None:
    path.parent.mkdir()
    line = json.dumps(transition(ONE)) + "\n"
    path.write_text(line * (2 * LONGEST - 1))
    full = History(path)
    full.add(replace(ONE, gained=False))
    lines = path.read_text().splitlines()
    assert len(lines) == LONGEST
    assert json.loads(lines[-1])["change"] == "lost"
