"""The verbs that ask the daemon, against a stand-in for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_daemon import Exchange, fake_daemon, http, says, verdict
from tests.cli.samples import sick, status, transition


def test_status_is_0_when_healthy_and_takes_the_socket_from_the_runtime_folder(
    halbctl: Run, folders: dict[str, Path]
) -> None:
    with fake_daemon(folders["RUNTIME_DIRECTORY"] / "halbd.sock", says(200, status())) as daemon:
        done = halbctl("status", TERM="xterm")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("lb1 is MASTER and healthy")
    assert "\x1b" not in done.stdout
    assert daemon.asked == ["GET /status HTTP/1.1"]


def test_status_is_1_when_the_proxy_cannot_be_asked(halbctl: Run, tmp_path: Path) -> None:
    mute = status()["proxy"] | {"mute": "its admin socket was removed"}
    with fake_daemon(tmp_path / "s", says(200, status(proxy=mute))):
        done = halbctl("status", "--socket", str(tmp_path / "s"))
    assert done.returncode == 1
    assert "CANNOT BE ASKED: its admin socket was removed" in done.stdout


def test_status_is_1_when_unwell_or_a_file_is_rejected_or_keepalived_is_stopped(halbctl: Run, tmp_path: Path) -> None:
    rejected = status(
        config={"digest": "x", "applied_at": None, "rejected": {"at": transition()["at"], "problems": []}}
    )
    stopped = status(keepalived={"managed": "systemd", "stopped": {"why": "it was stopped by somebody", "since": None}})
    silent = status(helper={"why": "timed out", "since": transition()["at"]})
    for body in (sick(), rejected, stopped, silent):
        with fake_daemon(path := tmp_path / "s", says(200, body)):
            assert halbctl("status", "--socket", path).returncode == 1
            as_json = halbctl("status", "--json", "--socket", path)
        assert as_json.returncode == 1
        assert json.loads(as_json.stdout) == body
        path.unlink()


def test_check_says_yes_no_and_unknown_in_words(halbctl: Run, tmp_path: Path) -> None:
    reasons = [{"cause": "no_servers", "detail": "no server is up", "since": transition()["at"]}]
    said = []
    for answer in (verdict(), verdict(ok=False, reasons=reasons), verdict(ok=False, stale=True)):
        with fake_daemon(tmp_path / "s", answer):
            done = halbctl("check", "--socket", tmp_path / "s")
        said.append((done.returncode, done.stdout.splitlines()))
        (tmp_path / "s").unlink()
    assert said[0] == (0, ["this node may hold the VIP"])
    assert (said[1][0], said[1][1][0]) == (1, "this node may NOT hold the VIP")
    assert said[1][1][1].startswith("  no_servers, for ")
    assert said[1][1][2].startswith("  -> the fault lies behind this node")
    assert (said[2][0], said[2][1][0][:8]) == (1, "unknown:")


def test_check_json_is_the_daemons_object(halbctl: Run, tmp_path: Path) -> None:
    body = {"ok": True, "stale": False, "monotonic": 1.5, "reasons": []}
    with fake_daemon(tmp_path / "s", says(200, body)):
        assert json.loads(halbctl("check", "--json", "--socket", tmp_path / "s").stdout) == body


def test_history_asks_for_the_newest_and_shows_them_oldest_first(halbctl: Run, tmp_path: Path) -> None:
    moves = [transition(cause="first"), transition(change="lost", cause="second")]
    with fake_daemon(tmp_path / "s", says(200, {"transitions": moves})) as daemon:
        done = halbctl("history", "--limit", "7", "--socket", tmp_path / "s")
        as_json = halbctl("history", "--json", "--socket", tmp_path / "s")
    assert daemon.asked[0] == "GET /history?limit=7 HTTP/1.1"
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["first", "second"]
    assert "gained 10.10.50.4  backup -> master after 1 min 15 s" in done.stdout
    assert json.loads(as_json.stdout) == {"transitions": moves}


def test_history_without_a_daemon_comes_from_the_file_and_says_so(halbctl: Run, folders: dict[str, Path]) -> None:
    """The last line was torn by a crash."""
    lines = [json.dumps(transition(cause=f"cause{i}")) for i in range(3)] + ['{"at": "2026-', "7"]
    (folders["STATE_DIRECTORY"] / "history.jsonl").write_text("\n".join(lines))
    done = halbctl("history", "--limit", "2")
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["cause1", "cause2"]
    assert done.stderr.endswith(f"; this is from {folders['STATE_DIRECTORY']}/history.jsonl\n")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)


def test_history_with_neither_daemon_nor_file_exits_3(halbctl: Run) -> None:
    done = halbctl("history")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "and cannot read" in done.stderr


UNCHANGED = {"result": "unchanged", "actions": [], "warnings": []}
APPLIED = {"result": "applied", "actions": ["a", "b"], "warnings": ["w"]}
WRONG = {"problems": ["line 1: x", "line 2: y"]}
HELD = {"error": "port 6443 is held"}


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (200, UNCHANGED, (0, "nothing to do: the file is in force already\n", "")),
        (200, APPLIED, (0, "a\nb\n", "warning: w\n")),
        (422, WRONG, (2, "", "line 1: x\nline 2: y\nhalbctl: cannot reload: the file is wrong; nothing changed\n")),
        (409, HELD, (1, "", "halbctl: cannot reload: port 6443 is held\n")),
    ],
)
def test_reload_says_what_was_done_or_why_not(
    halbctl: Run, tmp_path: Path, code: int, body: dict[str, object], outcome: tuple[int, str, str]
) -> None:
    with fake_daemon(tmp_path / "s", says(code, body)) as daemon:
        done = halbctl("reload", "--socket", tmp_path / "s")
        as_json = halbctl("reload", "--json", "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout, done.stderr) == outcome
    assert (as_json.returncode, json.loads(as_json.stdout)) == (outcome[0], body)
    assert daemon.asked[0] == "POST /reload HTTP/1.1"


MOVED = {"result": "moved", "after_ms": 512.3, "warnings": []}
FORCED = {"result": "forced", "after_ms": 1000.0, "warnings": ["this drain ends with the daemon: disk full"]}
TOO_LONG = {"error": "cannot drain: for is a number of seconds"}
UNDONE = {"result": "undone", "after_ms": 1000.0, "warnings": [], "error": "cannot drain: nobody took the VIP"}


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (
            200,
            MOVED,
            (0, "drained: the VIP has moved to another node after 512 ms; ends by itself in 1 min 30 s\n", ""),
        ),
        (
            200,
            FORCED,
            (
                0,
                "drained: nobody took the VIP, and it was given up after 1000 ms; ends by itself in 1 min 30 s\n",
                "warning: this drain ends with the daemon: disk full\n",
            ),
        ),
        (409, UNDONE, (1, "", "halbctl: cannot drain: nobody took the VIP\n")),
        (400, TOO_LONG, (2, "", "halbctl: cannot drain: for is a number of seconds\n")),
    ],
    ids=["moved", "forced", "undone", "too long"],
)
def test_drain_says_what_came_of_it_and_how_it_ends(
    halbctl: Run, tmp_path: Path, code: int, body: dict[str, object], outcome: tuple[int, str, str]
) -> None:
    with fake_daemon(tmp_path / "s", says(code, body)) as daemon:
        done = halbctl("drain", "--for", "90", "--socket", tmp_path / "s")
        as_json = halbctl("drain", "--json", "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout, done.stderr) == outcome
    assert (as_json.returncode, json.loads(as_json.stdout)) == (outcome[0], body)
    assert daemon.asked[0] == "POST /drain HTTP/1.1"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_drain_for_no_time_is_a_usage_error(halbctl: Run, seconds: str) -> None:
    assert halbctl("drain", f"--for={seconds}").returncode == 2


def test_undrain_says_what_is_tried_again(halbctl: Run, tmp_path: Path) -> None:
    answer = {"result": "not drained", "tried_again": ["10.99.0.4"], "warnings": []}
    with fake_daemon(tmp_path / "s", says(200, answer)):
        done = halbctl("undrain", "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout) == (0, "10.99.0.4 went unserved here, and is tried again\n")


BEGUN = {"from": "1", "to": "2", "started_at": "then"}
STAYS = "halbctl: the running halbd goes on, and nothing has changed\n"


@pytest.mark.parametrize(
    ("code", "body", "why"),
    [
        (409, {"error": "cannot upgrade: no room"}, "cannot upgrade: no room"),
        (202, BEGUN | {"daemon": {"started_at": "then", "upgrade_failed": "not found"}}, "cannot upgrade: not found"),
    ],
    ids=["refused", "not executed"],
)
def test_an_upgrade_that_was_refused_says_why_in_json_too(
    halbctl: Run, tmp_path: Path, code: int, body: dict[str, object], why: str
) -> None:
    """Its status afterwards is the same object here."""

    def answer(exchange: Exchange) -> None:
        exchange.send(http(code if exchange.server.asked[-1].startswith("POST") else 200, body))

    with fake_daemon(tmp_path / "s", answer):
        done = halbctl("upgrade", "--socket", tmp_path / "s")
        as_json = halbctl("upgrade", "--json", "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"halbctl: {why}\n{STAYS}")
    assert (as_json.returncode, json.loads(as_json.stdout), as_json.stderr) == (1, {"error": why}, "")


@pytest.mark.parametrize(("result", "said"), [("undrained", "undrained: "), ("not drained", "nothing to do: ")])
def test_undrain_is_0_whether_or_not_it_was_drained(halbctl: Run, tmp_path: Path, result: str, said: str) -> None:
    with fake_daemon(tmp_path / "s", says(200, {"result": result, "warnings": ["w"]})) as daemon:
        done = halbctl("undrain", "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout[: len(said)], done.stderr) == (0, said, "warning: w\n")
    assert daemon.asked == ["POST /undrain HTTP/1.1"]
