"""Processes: started in a group of their own, known again by their start time, their end known at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from halbd.model.errors import FailedError
from halbd.system import process
from halbd.system.helper import ask
from tests.render.netns import wait_until

LONG = ("sleep", "60")


@contextlib.contextmanager
def spawned(*words: str, output: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    descriptor = os.open(os.devnull, os.O_WRONLY) if output is None else output
    child = process.spawn(words, {"PATH": os.environ["PATH"]}, descriptor)
    os.close(descriptor)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def known(pid: int) -> process.Identity:
    who = process.identity(pid)
    assert who is not None
    return who


def test_a_child_leads_a_session_and_a_group_of_its_own() -> None:
    """A signal to halbd's own group (Ctrl-C) does not reach the proxy."""
    with spawned(*LONG) as child:
        assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid


def test_both_outputs_of_a_child_go_where_they_are_told(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    with spawned("sh", "-c", "echo one; echo two >&2", output=descriptor) as child:
        child.wait(10)
    assert (tmp_path / "out").read_text() == "one\ntwo\n"


def test_a_program_that_is_not_there_is_a_plain_error() -> None:
    with pytest.raises(FailedError, match=r"^cannot start /no/such/program: No such file or directory$"):
        process.spawn(["/no/such/program"], {}, 1)


def test_the_end_of_a_child_is_seen_by_its_pidfd() -> None:
    async def end(child: subprocess.Popen[bytes]) -> None:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(process.ended(known(child.pid)))
            child.kill()

    with spawned(*LONG) as child:
        asyncio.run(end(child))


def test_the_end_of_a_process_that_is_no_child_is_seen_too() -> None:
    """As of a proxy that an earlier halbd had started: its parent here is the shell."""
    script = "sleep 60 & echo $!; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())

        async def end() -> None:
            async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
                tasks.create_task(process.ended(known(pid)))
                await asyncio.sleep(0)  # its pidfd is open: the shell reaps it at once
                os.kill(pid, signal.SIGKILL)

        asyncio.run(end())


def test_waiting_for_a_process_that_is_gone_says_so() -> None:
    with spawned(*LONG) as child:
        who = known(child.pid)
        child.kill()
        child.wait(10)
        with pytest.raises(ProcessLookupError):
            asyncio.run(process.ended(who))


def test_waiting_for_one_whose_pid_is_another_process_now_says_so() -> None:
    with spawned(*LONG) as child:
        who = known(child.pid)
        with pytest.raises(ProcessLookupError):
            asyncio.run(process.ended(replace(who, start_ticks=who.start_ticks - 1)))


def test_a_zombie_counts_as_gone() -> None:
    with spawned("true") as child:
        wait_until(lambda: process.identity(child.pid) is None, "its end, although nobody has reaped it")
        assert Path(f"/proc/{child.pid}").exists()


def test_a_name_with_blanks_and_brackets_does_not_confuse_the_start_time(tmp_path: Path) -> None:
    """proc_pid_stat(5): the second field is the name in brackets, whatever that holds."""
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to("/bin/sleep")
    with spawned(str(odd), "60") as child:
        assert known(child.pid).start_ticks > known(1).start_ticks


def test_a_signal_reaches_the_whole_group(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    with spawned("sh", "-c", f"sleep 60 & echo $! > {inner}.new; mv {inner}.new {inner}; wait") as child:
        wait_until(inner.exists, "the inner process")
        process.send(known(child.pid), signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM
        wait_until(lambda: process.identity(int(inner.read_text())) is None, "the end of the inner process")


def test_a_signal_is_not_sent_to_a_successor_with_the_same_pid() -> None:
    with spawned(*LONG) as child:
        who = known(child.pid)
        process.send(replace(who, start_ticks=who.start_ticks - 1), signal.SIGKILL)
        process.send(who, signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM  # and not SIGKILL


def test_a_signal_to_what_has_gone_is_no_error() -> None:
    with spawned(*LONG) as child:
        who = known(child.pid)
        child.kill()
        child.wait(10)
        process.send(who, signal.SIGTERM)


def test_the_program_of_a_process_is_its_executable() -> None:
    assert process.program_of(os.getpid()) == str(Path(sys.executable).resolve())
    assert process.program_of(2**22 + 1) is None


def test_a_pid_file_is_believed_by_the_name_of_its_process_which_takes_no_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ask.SOCKET, str(tmp_path / "nobody"))
    program, file = tmp_path / "keepalived", tmp_path / "pid"
    program.symlink_to("/bin/sleep")
    with spawned(str(program), "60") as child:
        file.write_text(f"{child.pid}\n")
        wait_until(lambda: process.pid_in(file, "keepalived") == child.pid, "the name, which comes with execve(2)")
        assert process.pid_in(file, "haproxy") is None
    assert process.pid_in(file, "keepalived") is None
    file.write_text("\n")
    assert process.pid_in(file, "keepalived") is None


@pytest.mark.root
def test_a_leader_is_known_by_its_account_and_its_network_and_not_by_its_words_alone() -> None:
    """Anybody may write anything on a command line; root may have run a program of a stranger's, or in a container."""
    last = ("sleep", f"7{os.getpid()}")
    own, stranger = frozenset({0}), frozenset({65533})
    strangers = (("setpriv", "--reuid=65533"), ("setpriv", "--ruid=65533"), ("unshare", "--net"))
    with contextlib.ExitStack() as all_of_them:
        ours, theirs, half, elsewhere = (
            all_of_them.enter_context(spawned(*before, *last)).pid for before in ((), *strangers)
        )
        wait_until(
            lambda: all(process.name_of(pid) == "sleep" for pid in (ours, theirs, half, elsewhere)), "all of them"
        )
        assert [one.pid for one in process.leaders_with([*last], own)] == [ours]
        assert [one.pid for one in process.leaders_with([*last], stranger)] == [theirs]
        assert {one.pid for one in process.leaders_with([*last], own | stranger)} == {ours, theirs, half}


def test_the_family_is_the_process_and_all_below_it() -> None:
    with spawned("sh", "-c", "sleep 60 & wait") as child:
        wait_until(lambda: len(process.family(child.pid)) == 2, "the child's child")
        assert child.pid in process.family(child.pid)
    assert process.family(child.pid) == frozenset()


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_listeners_name_who_holds_a_port(family: socket.AddressFamily, address: str) -> None:
    with socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        (one,) = process.listeners(frozenset({port}))
        assert (str(one.address), one.port, one.pid) == (address, port, os.getpid())
        assert one.name


def test_a_connection_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert process.listeners(frozenset({client.getsockname()[1]})) == ()


def test_interfaces_carry_their_prefix_length() -> None:
    assert ("lo", "127.0.0.1/8") in process.interfaces()


def test_a_program_starts_in_a_folder_that_every_account_may_enter(tmp_path: Path) -> None:
    """HAProxy refuses to start where it cannot come back to the folder that it began in."""
    with (tmp_path / "out").open("wb") as out:
        process.spawn(["/bin/pwd", "-P"], {"PATH": "/bin"}, out.fileno()).wait(10)
    assert (tmp_path / "out").read_text() == "/\n"
