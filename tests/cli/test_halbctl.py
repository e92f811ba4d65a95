"""What is common to all verbs: usage, exit codes, outputs that close early."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from halbd.cli.halbctl import VERBS
from tests.cli.conftest import ROOT, Run
from tests.cli.fake_daemon import Handler, drips, fake_daemon, http, raw, says, silent
from tests.cli.samples import status, transition

ASKING = ("status", "check", "reload")


def test_no_verb_is_a_usage_error_that_shows_the_help(halbctl: Run) -> None:
    done = halbctl()
    assert done.returncode == 2
    assert all(f"\n    {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize(
    "words",
    [("nosuchverb",), ("status", "--nosuch"), ("status", "extra"), ("--nosuch", "status"), ("status", "--js"),
     ("history", "--limit", "0"), ("history", "--limit", "x"), ("render", "--output")],
)  # fmt: skip
def test_unknown_arguments_and_bad_values_exit_2(halbctl: Run, words: tuple[str, ...]) -> None:
    done = halbctl(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: halbctl")


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_names_its_exit_codes(halbctl: Run, verb: str) -> None:
    done = halbctl(verb, "--help")
    assert done.returncode == 0
    assert "exit codes: 0" in done.stdout


def test_version(halbctl: Run) -> None:
    assert halbctl("--version").stdout == "halbctl 0.1.0\n"


@pytest.mark.parametrize("verb", ASKING)
def test_without_a_daemon_every_question_exits_3_in_one_line(halbctl: Run, folders: dict[str, Path], verb: str) -> None:
    missing = halbctl(verb)
    path = folders["RUNTIME_DIRECTORY"] / "halbd.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    refused = halbctl(verb, "--json")
    assert (missing.returncode, missing.stdout) == (refused.returncode, refused.stdout) == (3, "")
    assert missing.stderr == (
        f"halbctl: cannot reach halbd on {path}: there is no such socket; is halbd running? "
        "`systemctl status halbd` says\n"
    )
    assert "nobody listens (connection refused)" in refused.stderr


@pytest.mark.parametrize(
    "answer",
    [raw(b""), raw(b"nonsense\r\n\r\n"), raw(http(200, status())[:-40]), says(200, b"not json"), says(200, b"[1]"),
     raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xff")],
)  # fmt: skip
def test_an_answer_that_is_broken_or_not_halbds_exits_3(halbctl: Run, tmp_path: Path, answer: Handler) -> None:
    with fake_daemon(tmp_path / "s", answer):
        done = halbctl("status", "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.startswith(f"halbctl: cannot reach halbd on {tmp_path}/s: ")


@pytest.mark.slow
@pytest.mark.parametrize("answer", [silent, drips(http(200, status()))])
def test_a_daemon_that_hangs_or_drips_is_given_up_in_all_and_not_per_read(
    halbctl: Run, tmp_path: Path, answer: Handler
) -> None:
    with fake_daemon(tmp_path / "s", answer):
        done = halbctl("status", "--socket", tmp_path / "s")
    assert done.returncode == 3
    assert "no whole answer within 5 s; is it stopped or hung?" in done.stderr


@pytest.mark.parametrize("verb", ASKING)
def test_a_refusal_is_passed_on_and_exits_1(halbctl: Run, tmp_path: Path, verb: str) -> None:
    with fake_daemon(tmp_path / "s", says(403, {"error": "cannot POST /reload: user 7 may not"})):
        done = halbctl(verb, "--socket", tmp_path / "s")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "user 7 may not" in done.stderr


def test_a_reader_that_leaves_early_causes_no_traceback(tmp_path: Path) -> None:
    """As in `halbctl history | head -1`."""
    many = [transition(cause="x" * 200)] * 1000
    arguments = [sys.executable, "-m", "halbd.cli.halbctl", "history", "--socket", str(tmp_path / "s")]
    reader, writer = os.pipe()
    os.close(reader)
    with fake_daemon(tmp_path / "s", says(200, {"transitions": many})):
        done = subprocess.run(arguments, stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, timeout=30, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("verb", ["status", "check", "history", "reload"])
def test_a_question_to_the_daemon_imports_no_heavy_library(tmp_path: Path, verb: str) -> None:
    script = (
        "import sys\nfrom halbd.cli.halbctl import main\n"
        f"sys.argv = ['halbctl', {verb!r}, '--socket', {str(tmp_path / 's')!r}]\n"
        "main()\nprint(' '.join(sys.modules))\n"
    )
    with fake_daemon(tmp_path / "s", says(200, status() | {"ok": True})):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
        )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "halbd.cli.client" in loaded
    heavy = {
        "yaml",
        "pydantic",
        "requests",
        "pyroute2",
        "psutil",
        "structlog",
        "h11",
        "asyncio",
        "halbd.parse",
        "halbd.lab",
    }
    assert not loaded & heavy
