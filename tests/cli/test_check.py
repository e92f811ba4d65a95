"""halbd-check when the daemon answers, and the ways in which it may not. Its own look: test_check_look.py."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CHECK, PYTHON, Run
from tests.cli.fake_daemon import Exchange, Handler, drips, fake_daemon, http, raw, says, silent, verdict

GOOD = {"ok": True, "stale": False, "monotonic": 1e12, "reasons": []}
NO_LOOK = "so looked for itself: cannot read"


def test_a_daemon_that_says_yes_is_believed_after_one_question(tmp_path: Path, check: Run) -> None:
    path = tmp_path / "halbd.sock"
    with fake_daemon(path, verdict()) as daemon:
        done = check(path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "may hold the VIP: the daemon says so\n", "")
    assert daemon.asked == ["GET /check HTTP/1.1"]


def test_a_daemon_that_says_no_is_quoted_with_its_first_reason(tmp_path: Path, check: Run) -> None:
    reasons = [{"cause": "proxy_dead", "detail": "exit\n137", "since": "x"}, {"cause": "maintenance", "detail": ""}]
    with fake_daemon(tmp_path / "s", verdict(ok=False, reasons=reasons)):
        done = check(tmp_path / "s")
    assert (done.returncode, done.stdout) == (1, "may not hold the VIP: proxy_dead: exit 137\n")


def test_a_no_without_a_reason_stays_a_no(tmp_path: Path, check: Run) -> None:
    with fake_daemon(tmp_path / "s", verdict(ok=False)):
        done = check(tmp_path / "s")
    assert (done.returncode, done.stdout) == (1, "may not hold the VIP: the daemon says no, without a reason\n")


def test_a_reason_cannot_pose_as_a_key(tmp_path: Path, check: Run) -> None:
    detail = '"stale": true, "ok": true, "monotonic": 0'
    with fake_daemon(tmp_path / "s", verdict(ok=False, reasons=[{"cause": "local_probe", "detail": detail}])):
        done = check(tmp_path / "s")
    assert (done.returncode, done.stdout) == (1, f"may not hold the VIP: local_probe: {detail}\n")


def test_layout_of_the_json_does_not_matter(tmp_path: Path, check: Run) -> None:
    def compact(exchange: Exchange) -> None:
        text = f'\n{{"monotonic":\n{time.monotonic()!r} ,"reasons" : [],"stale":false,"ok"\t: true}}\n'
        exchange.send(http(200, text.encode()))

    with fake_daemon(tmp_path / "s", compact):
        assert check(tmp_path / "s").returncode == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (verdict(age=5), "the daemon's answer is 5."),
        (verdict(age=-60), "the daemon's answer is -"),
        (verdict(ok=False, stale=True), "the daemon says that its evidence is stale"),
        (silent, "the daemon gave no answer within 0.3 s"),
        (drips(http(200, GOOD)), "the daemon gave no whole answer within 0.3 s"),
        (raw(b""), "the daemon's answer is not whole or not HTTP"),
        (raw(b"\x00\xff nonsense {}"), "the daemon's answer is not whole or not HTTP"),
        (raw(http(200, GOOD)[:-20]), "the daemon's answer is not whole or not HTTP"),
        (raw(b"x" * 100_000), "the daemon gave no whole answer"),
        (says(200, b"[]"), "the daemon's answer is not whole or not HTTP"),
        (says(200, b"{}"), "the daemon's answer has no time"),
        (says(200, GOOD | {"monotonic": "soon"}), "the daemon's answer has no time"),
        (says(200, b'{"ok":true,"stale":false,"monotonic":NaN}'), "the daemon's answer is nan s old"),
        (verdict(ok=False, stale=False, monotonic=float("inf")), "the daemon's answer is -inf s old"),
        (says(500, {"error": "x"}), "the daemon's answer has no time"),
    ],
)
def test_an_answer_that_cannot_be_used_makes_it_look_for_itself(
    tmp_path: Path, check: Run, answer: Handler, words: str
) -> None:
    with fake_daemon(tmp_path / "s", answer):
        done = check(tmp_path / "s")
    assert done.returncode == 1
    assert done.stdout.startswith(f"may not hold the VIP: {words}")
    assert NO_LOOK in done.stdout
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_yes_with_the_status_of_a_no_is_neither(tmp_path: Path, check: Run) -> None:
    def mixed(exchange: Exchange) -> None:
        exchange.send(http(503, GOOD | {"monotonic": time.monotonic()}))

    with fake_daemon(tmp_path / "s", mixed):
        assert "neither yes nor no" in check(tmp_path / "s").stdout


def test_refused_and_missing_are_told_apart(tmp_path: Path, check: Run) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "s"))
    refused, missing, no_socket = check(tmp_path / "s"), check(tmp_path / "none"), check(tmp_path)
    assert "nobody listens on" in refused.stdout
    assert "connection refused" in refused.stdout
    assert "No such file or directory" in missing.stdout
    assert {refused.returncode, missing.returncode, no_socket.returncode} == {1}


def test_a_daemon_too_busy_to_accept_is_not_waited_for(tmp_path: Path, check: Run) -> None:
    """A full backlog would block connect(2) for ever."""
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(tmp_path / "s"))
        busy.listen(0)
        first.connect(str(tmp_path / "s"))
        done = check(tmp_path / "s")
    assert (done.returncode, done.stderr) == (1, "")
    assert "cannot ask the daemon" in done.stdout


def test_a_path_that_no_socket_can_have_is_one_line_too(check: Run) -> None:
    done = check("/" + "x" * 200)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, "")


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["a", "b"], ["--socket"], [""]])
def test_usage_never_exits_0_because_0_means_one_thing_only(check: Run, words: list[str]) -> None:
    done = check(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: halbd-check")


def test_the_default_socket_is_the_packaged_one(check: Run) -> None:
    if Path("/run/halbd/halbd.sock").exists():
        pytest.skip("a halbd runs on this machine")
    assert "/run/halbd/halbd.sock" in check().stdout


@pytest.mark.parametrize("closed", [False, True])
def test_an_output_that_cannot_be_written_does_not_change_the_verdict(tmp_path: Path, closed: bool) -> None:
    command = [PYTHON, "-I", "-S", str(CHECK), str(tmp_path / "s")]
    with fake_daemon(tmp_path / "s", verdict()), open("/dev/full", "wb") as full:  # noqa: PTH123  # not a file
        shell = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command] if closed else command
        done = subprocess.run(shell, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_console_command_says_the_same(tmp_path: Path) -> None:
    with fake_daemon(tmp_path / "s", verdict()):
        command = [PYTHON, "-c", "from halbd.cli.check import main; main()", str(tmp_path / "s")]
        environment = {"PYTHONPATH": str(CHECK.parents[2])}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "may hold the VIP: the daemon says so\n")


def test_a_yes_imports_nothing_that_takes_time(tmp_path: Path) -> None:
    """Every module counts: the whole run may cost half an interpreter's start on top of that start."""
    script = (
        "import sys, posix\n"
        "def leave(code):\n    sys.stdout.write(' '.join(sys.modules)); sys.stdout.flush(); leave_now(code)\n"
        "leave_now, posix._exit = posix._exit, leave\n"
        f"sys.argv = ['halbd-check', {str(tmp_path / 's')!r}]\n"
        f"exec(compile(open({str(CHECK)!r}).read(), 'check.py', 'exec'), {{'__name__': '__main__'}})\n"
    )
    with fake_daemon(tmp_path / "s", verdict()):
        command = [PYTHON, "-I", "-S", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "_socket" in loaded
    assert not loaded & {
        "os",
        "socket",
        "json",
        "ssl",
        "re",
        "typing",
        "pathlib",
        "threading",
        "contextlib",
        "__future__",
    }


@pytest.mark.root
def test_the_script_user_may_run_it(tmp_path: Path) -> None:
    """An account that owns nothing: the file and the interpreter are all it needs."""
    with fake_daemon(tmp_path / "s", verdict()):
        for path in (tmp_path, *list(tmp_path.parents)[:3]):
            path.chmod(0o755)
        (tmp_path / "s").chmod(0o666)
        copy = tmp_path / "halbd-check"
        copy.write_bytes(CHECK.read_bytes())
        done = subprocess.run(
            [PYTHON, "-I", "-S", str(copy), str(tmp_path / "s")],
            user=65534, group=65534, extra_groups=[], cwd="/", env={},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert os.getuid() == 0


def test_the_python_of_an_older_distribution_can_read_it() -> None:
    """RHEL 9 has 3.9, where `int | None` in a signature fails when it is met."""
    tree = ast.parse(CHECK.read_text(), feature_version=(3, 9))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    hints = [hint for one in functions for hint in (one.returns, *(each.annotation for each in one.args.args))]
    assert [ast.unparse(hint) for hint in hints if isinstance(hint, ast.BinOp)] == []
