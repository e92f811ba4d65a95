"""halbd-check without a daemon: the process alive, and every probe through the proxy."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from halbd.lab.certs import Authority
from tests.cli.conftest import Run
from tests.cli.fake_daemon import fake_daemon, silent, verdict
from tests.cli.standin import WELL, standin

CA = Authority()
Alive: TypeAlias = Callable[..., Path]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """The proxy: alive until the test ends."""
    with subprocess.Popen(["/bin/sleep", "600"]) as child:
        yield child
        child.kill()


@pytest.fixture
def alive(tmp_path: Path, process: subprocess.Popen[bytes]) -> Alive:
    """Leaves look.json for the living proxy with these probes; gives the path of a socket that nobody made."""
    return lambda *probes: write_look(tmp_path, process.pid, start_ticks(process.pid), *probes)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of an API server named kubernetes."""
    path = tmp_path / "server.pem"
    path.write_text(CA.issue(["kubernetes"]))
    return path


def start_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def probe(port: int, scheme: str = "http", **more: Any) -> dict[str, Any]:
    where = {"address": "127.0.0.1", "port": port, "scheme": scheme, "path": "/healthz", "expect": [200]}
    return where | {"server_name": "kubernetes", "ca": CA.pem, "timeout": 1.0} | more


def write_look(folder: Path, pid: int, ticks: int, *probes: dict[str, Any]) -> Path:
    """Leave look.json as the daemon does; gives the path of a socket that nobody made."""
    look = {"proxy": {"pid": pid, "start_ticks": ticks}, "probes": probes}
    (folder / "look.json").write_text(json.dumps(look))
    return folder / "halbd.sock"


def test_a_proxy_that_serves_keeps_the_vip_while_the_daemon_is_away(
    alive: Alive, tmp_path: Path, check: Run, process: subprocess.Popen[bytes], certificate: Path
) -> None:
    """All three schemes at once: verified HTTPS, HTTP, and TCP where connecting is all."""
    with standin(certificate=certificate) as tls, standin() as plain, standin(None) as mute:
        probes = probe(tls, "https"), probe(plain), probe(mute, "tcp")
        done = check(alive(*probes))
    assert done.returncode == 0
    assert done.stdout == (
        f"may hold the VIP: cannot ask the daemon on {tmp_path}/halbd.sock: No such file or directory, so looked for "
        f"itself: the proxy (pid {process.pid}) is alive and every probe through it passed (3)\n"
    )


@pytest.mark.parametrize("answer", [silent, verdict(age=9), verdict(ok=False, stale=True)])
def test_a_daemon_that_hangs_or_is_stale_is_no_reason_to_lose_the_vip(
    alive: Alive, tmp_path: Path, check: Run, answer: Any
) -> None:
    with fake_daemon(tmp_path / "halbd.sock", answer), standin() as port:
        done = check(alive(probe(port)))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_daemon_that_says_no_is_not_overruled(alive: Alive, tmp_path: Path, check: Run) -> None:
    with fake_daemon(tmp_path / "halbd.sock", verdict(ok=False)), standin() as port:
        done = check(alive(probe(port)))
    assert done.returncode == 1


def test_a_zombie_is_dead(tmp_path: Path, check: Run) -> None:
    with subprocess.Popen(["/bin/true"]) as child, standin() as port:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        done = check(write_look(tmp_path, child.pid, start_ticks(child.pid), probe(port)))
        assert done.returncode == 1
        assert f"the proxy (pid {child.pid}) is dead (state Z)" in done.stdout


def test_a_process_that_is_gone_is_dead(tmp_path: Path, check: Run) -> None:
    with subprocess.Popen(["/bin/true"]) as child:
        child.wait()
    with standin() as port:
        done = check(write_look(tmp_path, child.pid, 1, probe(port)))
    assert done.returncode == 1
    assert f"the proxy (pid {child.pid}) is gone" in done.stdout


def test_another_process_under_the_same_pid_is_not_the_proxy(
    tmp_path: Path, check: Run, process: subprocess.Popen[bytes]
) -> None:
    with standin() as port:
        done = check(write_look(tmp_path, process.pid, start_ticks(process.pid) - 1, probe(port)))
    assert done.returncode == 1
    assert f"the proxy is gone (pid {process.pid} is another process now)" in done.stdout


def test_a_process_name_with_brackets_and_blanks_does_not_shift_the_fields(tmp_path: Path, check: Run) -> None:
    program = tmp_path / "a) Z 1"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "600"]) as child, standin() as port:
        os.sched_yield()
        done = check(write_look(tmp_path, child.pid, start_ticks(child.pid), probe(port)))
        child.kill()
    assert done.returncode == 0


@pytest.mark.parametrize("pid", [0, -1, 4194304])
def test_a_pid_that_no_process_can_have_is_dead(tmp_path: Path, check: Run, pid: int) -> None:
    done = check(write_look(tmp_path, pid, 1, probe(1)))
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, "")
    assert f"the proxy (pid {pid}) is gone" in done.stdout


@pytest.mark.parametrize(
    ("text", "slow", "words"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", False, "answered 500 to /healthz"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", False, "answered 302 to /healthz"),
        (b"SSH-2.0-OpenSSH\r\n", False, "answered something that is not HTTP to /healthz"),
        (b"\xff\xfe\x00", False, "answered something that is not HTTP to /healthz"),
        (b"", False, "answered something that is not HTTP to /healthz"),
        (None, False, "timed out"),
        (WELL, True, "timed out"),
    ],
)
def test_an_answer_that_is_not_the_expected_one_fails(
    alive: Alive, check: Run, text: bytes | None, slow: bool, words: str
) -> None:
    with standin(text or (b"" if text == b"" else None), slow=slow) as port:
        done = check(alive(probe(port)))
    assert (done.returncode, done.stderr) == (1, "")
    assert f"http to 127.0.0.1 port {port} {words}\n" in done.stdout


def test_one_probe_of_many_that_fails_is_enough(alive: Alive, check: Run) -> None:
    with standin() as well, standin(b"HTTP/1.1 503 No\r\n\r\n") as sick:
        path = alive(probe(well), probe(sick), probe(well))
        done = check(path)
    assert done.returncode == 1
    assert f"http to 127.0.0.1 port {sick} answered 503" in done.stdout


def test_nobody_on_the_port_is_said_as_refused(alive: Alive, check: Run) -> None:
    with standin() as port:
        pass
    done = check(alive(probe(port, "tcp")))
    assert done.returncode == 1
    assert f"tcp to 127.0.0.1 port {port} failed: Connection refused\n" in done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ca": Authority().pem}, "failed: "),
        ({"server_name": "somebody.else"}, "failed: Hostname mismatch"),
        ({"ca": "no certificate"}, "failed: "),
    ],
)
def test_a_certificate_of_another_authority_or_name_fails(
    alive: Alive, check: Run, certificate: Path, change: dict[str, Any], words: str
) -> None:
    with standin(certificate=certificate) as port:
        done = check(alive(probe(port, "https", **change)))
    assert (done.returncode, done.stderr) == (1, "")
    assert words in done.stdout


def test_without_a_ca_no_certificate_is_verified(alive: Alive, check: Run, certificate: Path) -> None:
    with standin(certificate=certificate) as port:
        done = check(alive(probe(port, "https", ca=None, server_name="somebody.else")))
    assert done.returncode == 0


def test_plain_http_behind_an_https_probe_fails(alive: Alive, check: Run) -> None:
    with standin() as port:
        done = check(alive(probe(port, "https")))
    assert done.returncode == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"proxy": 5, "probes": []}', '{"proxy": {"pid": 1, "start_ticks": 1}, "probes": []}',
     '{"proxy": {"pid": "x", "start_ticks": 1}, "probes": [{}]}', '{"proxy": {"pid": null}, "probes": 7}'],
)  # fmt: skip
def test_a_broken_look_file_fails_closed(tmp_path: Path, check: Run, text: str) -> None:
    (tmp_path / "look.json").write_text(text)
    done = check(tmp_path / "halbd.sock")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith(f"so looked for itself: {tmp_path}/look.json is broken\n")


def test_no_look_file_and_one_that_is_no_file_fail_closed(tmp_path: Path, check: Run) -> None:
    missing = check(tmp_path / "halbd.sock")
    (tmp_path / "look.json").mkdir()
    folder = check(tmp_path / "halbd.sock")
    assert missing.stdout.endswith(f"cannot read {tmp_path}/look.json: No such file or directory\n")
    assert folder.stdout.endswith(f"cannot read {tmp_path}/look.json: Is a directory\n")
    assert {missing.returncode, folder.returncode} == {1}


def test_a_bug_reads_may_not_and_never_a_traceback(alive: Alive, check: Run) -> None:
    """Values of the right shape and the wrong type are as good as any bug."""
    done = check(alive(probe(80) | {"timeout": "soon"}))
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, "")
    assert done.stdout.startswith("may not hold the VIP: cannot decide: TypeError")
