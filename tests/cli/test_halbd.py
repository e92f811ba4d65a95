"""The daemon's command line; what the daemon does is tested in its own room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT


def halbd(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "halbd.cli.halbd", *words]
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("words", [("--nosuch",), ("extra",), ("--config",), ("--conf", "x")])
def test_a_usage_error_exits_2(words: tuple[str, ...]) -> None:
    done = halbd(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: halbd")


def test_help_names_the_exit_codes_and_the_folder_that_is_in_force() -> None:
    done = halbd("--help", CONFIGURATION_DIRECTORY="/somewhere")
    assert done.returncode == 0
    assert "/somewhere/halbd.yaml" in done.stdout
    assert "exit codes: 0 stopped, 1 failed, 2 bad config or usage" in done.stdout


def test_version() -> None:
    assert halbd("--version").stdout == "halbd 0.1.0\n"


def test_a_file_that_is_not_there_exits_2_with_one_line(tmp_path: Path) -> None:
    folders = {"RUNTIME_DIRECTORY": str(tmp_path / "run"), "STATE_DIRECTORY": str(tmp_path / "state")}
    done = halbd("--config", str(tmp_path / "none.yaml"), PATH="/usr/sbin:/usr/bin:/sbin:/bin", **folders)
    assert done.returncode == 2
    assert "No such file or directory" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_daemons_libraries_are_not_loaded_for_the_command_line() -> None:
    script = "import sys; from halbd.cli.halbd import parser, main; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert not set(done.stdout.split()) & {"asyncio", "yaml", "pydantic", "pyroute2", "structlog", "halbd.daemon"}
