"""The unit files, judged by systemd's own tools."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from halbd.system.programs import find

UNITS = Path(__file__).parents[2] / "systemd"


@pytest.mark.parametrize("unit", ["halbd.service", "halbd-helper.service"])
def test_the_sandbox_is_as_tight_as_the_decision_says(unit: str) -> None:
    """docs/decisions/0012 says what the rest is for; who opens the sandbox further has to say why there."""
    words = [find("systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold=25"]
    done = subprocess.run([*words, str(UNITS / unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "unit", sorted([*UNITS.glob("*.service"), *UNITS.glob("*.socket")]), ids=lambda path: path.name
)
def test_systemd_knows_every_line_of_the_unit(unit: Path) -> None:
    done = subprocess.run([find("systemd-analyze"), "verify", str(unit)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "Unknown" in line or "Failed to parse" in line] == []
