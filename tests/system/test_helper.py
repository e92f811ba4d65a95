"""The helper: what it refuses, and what becomes of a question that gets no answer. The rest is tested both ways."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from halbd.model.errors import FailedError
from halbd.system.helper import ask
from halbd.system.helper.work import DESCRIPTORS
from tests.render.netns import run, wait_until
from tests.system.helped import answers, asked, helper

pytestmark = pytest.mark.root

OTHER_ACCOUNT = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
LISTENER = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection("
LISTENER += "s.getsockname()); a = s.accept()[0]; print(*(x.fileno() for x in (s, c, a)), flush=True); time.sleep(600)"


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with helper() as (_, path), asked(monkeypatch, path):
        yield path


def inode(pid: int, descriptor: str) -> int:
    return os.stat(f"/proc/{pid}/fd/{descriptor}").st_ino  # noqa: PTH116  # no path but a socket


@contextmanager
def listener() -> Iterator[tuple[int, list[int]]]:
    """A process of another account: one socket that listens, and both ends of a connection."""
    with subprocess.Popen([*OTHER_ACCOUNT, sys.executable, "-I", "-c", LISTENER], stdout=subprocess.PIPE) as one:
        try:
            assert one.stdout
            yield one.pid, [inode(one.pid, word) for word in one.stdout.readline().decode().split()]
        finally:
            one.kill()


def raw(path: Path, question: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(60)
        one.connect(str(path))
        one.sendall(question)
        one.shutdown(socket.SHUT_WR)
        return one.recv(1000)


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"[]",
        b"{}",
        b'["shell", [], []]',
        b'["program", ["../../etc"], []]',
        b'["program", [1.5], []]',
        b'["watched", [true], []]',
        b'["holders", 1, []]',
        b'["program", [], []]',
        b"\xff",
    ],
)
def test_what_is_no_question_gets_no_answer_and_the_next_one_does(path: Path, question: bytes) -> None:
    assert raw(path, question) == b""
    assert answers()


def test_only_root_is_answered(path: Path) -> None:
    """Though the socket is open to everybody here."""
    path.parent.chmod(0o755)
    path.chmod(0o777)
    ask_it = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ns.settimeout(60)\n"
    ask_it += "try:\n s.sendall(b'[\"program\", [1], []]')\n s.shutdown(1)\n print(s.recv(100))\n"
    ask_it += "except (ConnectionResetError, BrokenPipeError):\n print('refused')\n"
    assert run(*OTHER_ACCOUNT, sys.executable, "-I", "-c", ask_it, str(path)) in {"refused\n", "b''\n"}
    assert json.loads(raw(path, b'["program", [%d], []]' % os.getpid()))[1] == 0


def test_only_listening_sockets_are_copied_and_no_program_inherits_them(path: Path) -> None:
    assert path.exists()
    with listener() as (pid, inodes):
        (copy,) = ask.listeners(inodes, [pid])
        with copy:
            assert os.fstat(copy.fileno()).st_ino == inodes[0]
            assert not copy.get_inheritable()


def test_of_another_control_group_nothing_is_copied(path: Path) -> None:
    group = Path("/sys/fs/cgroup/unified" if Path("/sys/fs/cgroup/unified").is_dir() else "/sys/fs/cgroup")
    if not (group / "cgroup.procs").exists():
        pytest.skip("needs cgroup2, where control groups can be made")
    assert path.exists()
    own = group / f"hb-{os.getpid()}"
    own.mkdir()
    try:
        with listener() as (pid, inodes):
            assert len(ask.listeners(inodes, [pid])) == 1
            (own / "cgroup.procs").write_text(str(pid))
            assert ask.listeners(inodes, [pid]) == []
            assert ask.holders(inodes, [pid]) == dict.fromkeys(inodes, pid)
        wait_until(lambda: not (own / "cgroup.procs").read_text(), "an empty control group")
    finally:
        own.rmdir()


def test_more_sockets_come_than_fit_into_one_message(path: Path) -> None:
    assert path.exists()
    many = [socket.create_server(("127.0.0.1", 0)) for _ in range(DESCRIPTORS * 2 + 1)]
    inodes = [os.fstat(one.fileno()).st_ino for one in many]
    copies = ask.listeners(inodes, [os.getpid()])
    assert {os.fstat(one.fileno()).st_ino for one in copies} == set(inodes)
    for one in (*many, *copies):
        one.close()


def test_nobody_hangs_on_one_that_hangs_and_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with helper() as (process, path), asked(monkeypatch, path):
        process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(ask, "SOON", 0.2)
        with pytest.raises(FailedError, match=r"halbd-helper\.service does not answer: timed out"):
            ask.adverts()
        monkeypatch.setattr(ask, "SOON", 60.0)
        process.send_signal(signal.SIGCONT)
        assert answers()


def test_where_there_is_none_every_question_fails_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ask.SOCKET, str(tmp_path / "none"))
    for question in (
        lambda: ask.holders([1], [1]),
        lambda: ask.listeners([1], [1]),
        lambda: ask.speak([1], [1]),
        lambda: ask.watched([1]),
        lambda: ask.program(1),
        ask.adverts,
        lambda: ask.syns(4),
        lambda: ask.sender(6),
    ):
        with pytest.raises(FailedError, match=r"cannot .*: halbd-helper\.service does not answer: .*No such file"):
            question()


def test_an_error_of_the_kernel_is_told_as_in_the_daemon_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    without = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    with helper(*without) as (_, path), asked(monkeypatch, path), pytest.raises(FailedError) as caught:
        ask.adverts()
    assert str(caught.value) == "cannot listen to VRRP adverts: Operation not permitted"


def test_of_a_process_that_is_gone_nothing_is_told(path: Path) -> None:
    assert path.exists()
    with subprocess.Popen(["/bin/true"]) as one:
        one.wait()
    assert (ask.program(one.pid), ask.watched([one.pid]), ask.holders([1], [one.pid])) == (None, None, {})


def test_it_is_not_for_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "halbd.cli.halbd", "--helper"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, b"halbd --helper is started by halbd-helper.socket, and not by hand\n")
