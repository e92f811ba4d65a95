"""halbctl lab, as far as it goes without building anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from halbd.cli.lab import DEMO, NAMES
from halbd.lab.faults import catalog
from tests.lab.files import PLAIN

LAB = (sys.executable, "-m", "halbd.cli.halbctl", "lab")


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *arguments], capture_output=True, text=True, check=False, timeout=30)


def test_the_names_on_the_command_line_are_the_catalogues() -> None:
    assert tuple(fault.name for fault in catalog.FAULTS) == NAMES
    assert tuple(fault.name for fault in catalog.DEMO) == DEMO


@pytest.mark.parametrize(
    "arguments",
    [
        ("--fault", "no-such"),
        ("--repeat", "0"),
        ("--set", "novalue"),
        ("--hold", "-1"),
        ("--rate", "x"),
        ("--proxy", "nginx"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...]) -> None:
    assert lab("--config", "/nonexistent", *arguments).returncode == 2


def test_a_missing_file_is_exit_2(tmp_path: Path) -> None:
    done = lab("--config", str(tmp_path / "halbd.yaml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read it: No such file" in done.stderr


def test_a_bad_file_is_exit_2_with_every_problem_on_its_line(tmp_path: Path) -> None:
    file = tmp_path / "halbd.yaml"
    file.write_bytes(PLAIN.replace(b"port: 6443", b"port: 70000", 1).replace(b"name: lb2", b"nam: lb2"))
    done = lab("--config", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}:9: " in done.stderr
    assert f"{file}:4: " in done.stderr


def test_the_ca_file_need_not_be_on_this_machine(tmp_path: Path) -> None:
    """What a setting breaks shows that the file itself was accepted: nothing is built."""
    file = tmp_path / "halbd.yaml"
    file.write_bytes(PLAIN)
    done = lab("--config", str(file), "--set", "vrrp.advert_int=soon")
    assert done.returncode == 2
    assert "advert_int" in done.stderr
