"""One pair of booted systems for all of these tests, which follow one another as the life of a machine does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm.image import PACKAGES, image
from tests.vm.signs import Told
from tests.vm.world import World, world

ROOT = Path(__file__).parents[2]
REPORT: Told = []


@pytest.fixture(scope="session")
def package() -> Path:
    """What `make deb` built."""
    found = sorted((ROOT / "dist").glob("halbd_*.deb"), key=lambda path: path.stat().st_mtime)
    assert found, "there is no package: run `make test-vm`, which builds it"
    return found[-1]


@pytest.fixture(scope="session")
def pair(package: Path) -> Iterator[World]:
    """Both, booted, with the package lying in them and nothing of halbd installed yet."""
    work = ROOT / "build/vm/run"
    work.mkdir(parents=True, exist_ok=True)
    with world(image(ROOT / "build/vm"), work) as made:
        for machine in made.machines.values():
            shutil.copy(package, machine.root / PACKAGES / "halbd.deb")
        yield made


@pytest.fixture
def told() -> Told:
    """Where a test leaves what the client saw, for the table at the end."""
    return REPORT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what a client saw of each event."""
    if REPORT:
        terminalreporter.section("what a client saw (a new TLS connection each 10 ms, ten watches)")
        for name, sight in REPORT:
            terminalreporter.write_line(f"{name:36} {sight}")
