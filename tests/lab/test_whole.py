"""The whole lab by its command, as root: it comes up, it shows what it should, and it is gone without a trace."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from halbd.lab import booted, namespaces, record
from halbd.system.boot import boot_id
from halbd.system.programs import find
from tests.lab.files import PLAIN, VERSION_6

pytestmark = pytest.mark.root

IP = find("ip")
LAB = (sys.executable, "-m", "halbd.cli.halbctl", "lab")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "halbd.yaml"
    path.write_bytes(PLAIN)
    return path


@contextmanager
def started(file: Path) -> Iterator[subprocess.Popen[str]]:
    """A lab that is up and on its way to a steady state."""
    words = [*LAB, "--config", str(file), "--fault", "server-death", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lab:
        assert lab.stderr is not None
        assert any("waiting for a steady state" in line for line in lab.stderr), "the lab did not come up"
        yield lab


def folder_of(lab: subprocess.Popen[str]) -> record.Folder:
    owners = ((folder, folder.owner()) for folder in record.folders())
    return next(folder for folder, owner in owners if owner is not None and owner.pid == lab.pid)


def spaces_of(folder: record.Folder) -> list[str]:
    return [path.name for path in namespaces.NETNS.glob(f"{folder.prefix}*")]


def processes_of(folder: record.Folder) -> list[int]:
    """Every process that lives in one of the lab's namespaces."""
    words = ([IP, "netns", "pids", space] for space in spaces_of(folder))
    texts = (subprocess.run(each, stdout=subprocess.PIPE, text=True, check=True).stdout for each in words)
    return [int(word) for text in texts for word in text.split()]


def assert_gone(folder: record.Folder, processes: list[int]) -> None:
    assert spaces_of(folder) == []
    assert not folder.path.exists()
    assert not list(Path("/etc").glob(f"netns/{folder.prefix}*"))
    assert [pid for pid in processes if folder.id in commands(pid)] == []


def commands(pid: int) -> str:
    """What it was started with: a PID may be somebody else's by now, who does not name the lab's folder."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("proxy", ["haproxy", "envoy"])
def test_a_server_may_die_without_a_client_noticing(file: Path, proxy: str) -> None:
    words = [*LAB, "--config", str(file), "--fault", "server-death", "--json", "--proxy", proxy]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (fault,) = told["faults"]
    assert told["passed"] is True
    assert fault["numbers"]["failed_new"]["max"] == 0
    assert fault["runs"][0]["holders"][0]["over"][0]["nodes"] == ["lb1"]
    assert fault["numbers"]["attempts"]["min"] > 100


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_what_strikes_the_daemon_alone_is_not_noticed(file: Path) -> None:
    words = [*LAB, "--config", str(file), "--json", "--hold", "3", "--fault", "halbd-kill", "halbd-hang", "bad-config"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    numbers = [fault["numbers"] for fault in json.loads(done.stdout)["faults"]]
    assert [one["transitions"]["max"] for one in numbers] == [0, 0, 0]
    assert [one["failed"]["max"] for one in numbers] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("proxy", ["haproxy", "envoy"])
def test_a_daemon_may_be_killed_and_stopped_with_either_proxy(file: Path, proxy: str) -> None:
    """How fast it all went, and so who was slow, is not for a test on a busy machine."""
    words = [*LAB, "--config", str(file), "--json", "--proxy", proxy, "--fault", "halbd-kill", "stop"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    assert done.stdout, done.stderr
    runs = (fault["runs"][0] for fault in json.loads(done.stdout)["faults"])
    killed, stopped = ({finding["what"]: finding["got"] for finding in run["findings"]} for run in runs)
    kept = ("same proxy", "same proxy workers", "same keepalived", "right again")
    assert [killed[what] for what in kept] == ["yes"] * len(kept)
    gone = ("lb1 holds no VIP", "nothing left running", "no half-open server side", "right again")
    assert [stopped[what] for what in gone] == ["yes"] * len(gone)
    assert stopped["halbd ended"] == "exit 0"


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_chaos_prints_its_seed_and_comes_right_again(file: Path) -> None:
    """What can be played in a few seconds each: this is about chaos, and not about the faults."""
    words = [
        *LAB,
        "--config",
        str(file),
        "--chaos",
        "0.3",
        "--json",
        "--fault",
        "proxy-kill",
        "halbd-kill",
        "bad-config",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert f"seed {told['seed']}" in done.stderr
    assert told["rounds"]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_cluster_of_version_6_survives_its_proxy_and_follows_a_name(file: Path) -> None:
    file.write_bytes(VERSION_6)
    words = [*LAB, "--config", str(file), "--fault", "proxy-kill", "server-renumbered", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=170)
    assert done.stdout, done.stderr
    (killed,), (renumbered,) = (fault["runs"] for fault in json.loads(done.stdout)["faults"])
    assert killed["numbers"]["moved_ms"] is not None
    for run in (killed, renumbered):
        assert [finding["got"] for finding in run["findings"] if finding["what"] == "right again"] == ["yes"]
    assert renumbered["numbers"]["transitions"] == 0
    assert any(finding["what"] == "the name was followed" for finding in renumbered["findings"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_an_interrupted_lab_is_gone_without_a_trace(file: Path, number: signal.Signals, code: int) -> None:
    with started(file) as lab:
        folder = folder_of(lab)
        processes = processes_of(folder)
        assert len(spaces_of(folder)) == 6
        assert processes
        lab.send_signal(number)
        assert lab.stderr is not None
        assert any("taking the lab down" in line for line in lab.stderr)
        lab.send_signal(number)  # impatience changes nothing
        _, words = lab.communicate(timeout=30)
    assert lab.returncode == code
    assert "interrupted" in words
    assert_gone(folder, processes)


def test_what_a_killed_lab_leaves_is_removed_by_cleanup(file: Path) -> None:
    with started(file) as lab:
        folder = folder_of(lab)
        processes = processes_of(folder)
        lab.kill()
        lab.communicate(timeout=30)
    assert spaces_of(folder), "a killed lab cannot have cleaned up"
    done = subprocess.run([*LAB, "--cleanup"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert folder.id in done.stdout
    assert_gone(folder, processes)


def test_the_next_lab_removes_what_a_killed_one_has_left_and_leaves_a_running_one_alone(file: Path) -> None:
    with started(file) as lab:
        folder = folder_of(lab)
        lab.kill()
        lab.communicate(timeout=30)
    with started(file) as other:
        assert_gone(folder, [])
        subprocess.run([*LAB, "--cleanup"], stdout=subprocess.DEVNULL, check=True, timeout=60)
        assert spaces_of(folder_of(other))
        other.send_signal(signal.SIGINT)
        other.communicate(timeout=30)


def test_a_lab_that_cannot_come_up_says_why_and_is_gone(file: Path) -> None:
    words = [*LAB, "--config", str(file), "--set", "proxy.binary=/bin/false", "--fault", "proxy-kill"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as lab:
        _, told = lab.communicate(timeout=100)
    assert lab.returncode == 1
    assert re.search("halbd on lb[12] has ended, exit 1", told)
    records = (folder.path / record.OWNER for folder in record.folders())
    assert [path for path in records if f'"pid": {lab.pid},' in path.read_text()] == []


@pytest.fixture
def space() -> Iterator[str]:
    """A namespace of this test's own."""
    name = f"halbd-test-{os.getpid()}"
    subprocess.run([IP, "netns", "add", name], check=True)
    yield name
    subprocess.run([IP, "netns", "delete", name], check=True)


def test_only_processes_of_the_namespace_are_signalled(space: str) -> None:
    inner = [IP, "netns", "exec", space, sys.executable, "-c", "print(flush=True); input()"]
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as outside,
        subprocess.Popen(inner, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as inside,
    ):
        assert inside.stdout is not None
        assert inside.stdout.readline() == b"\n"
        assert not namespaces.signal_in(space, outside.pid, signal.SIGKILL)
        assert outside.poll() is None
        assert namespaces.signal_in(space, inside.pid, signal.SIGKILL)
        assert inside.wait() == -signal.SIGKILL
        outside.kill()


def test_a_program_sees_another_boot_and_nobody_else_does(space: str, tmp_path: Path) -> None:
    file = tmp_path / "boot_id"
    assert booted.words(file) == ()
    file.write_text("another\n")
    words = [IP, "netns", "exec", space, *booted.words(file), sys.executable, "-c"]
    words.append("from halbd.system.boot import boot_id; print(boot_id())")
    before = boot_id()
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=20).stdout
    assert told == "another\n"
    assert boot_id() == before != "another"
