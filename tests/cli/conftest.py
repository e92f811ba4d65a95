from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
CHECK = ROOT / "halbd" / "cli" / "check.py"
PYTHON = os.environ.get("HALBD_CHECK_PYTHON", "/usr/bin/python3")
"""The distribution's own, which is what keepalived runs; another one may be named, such as RHEL 9's 3.9."""
Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """The three folders of a service, empty."""
    names = ("CONFIGURATION_DIRECTORY", "RUNTIME_DIRECTORY", "STATE_DIRECTORY")
    found = {name: tmp_path / name.split("_")[0].lower() for name in names}
    for folder in found.values():
        folder.mkdir()
    return found


@pytest.fixture
def halbctl(folders: Mapping[str, Path]) -> Run:
    """The real command in a process of its own."""

    def run(*words: str | Path, inside: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **{k: str(v) for k, v in folders.items()}, **more}
        arguments = [*inside, sys.executable, "-m", "halbd.cli.halbctl", *map(str, words)]
        return subprocess.run(
            arguments, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def check() -> Run:
    """halbd-check as keepalived runs it: a bare file under the distribution's interpreter."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        arguments = [PYTHON, "-I", "-S", str(CHECK), *map(str, words)]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)

    return run
