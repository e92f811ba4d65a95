"""What keeps keepalived from starting is what the real one says keeps it from starting."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from halbd.model.service import PidFile
from halbd.system.pid_files import NAMES, blocking
from halbd.system.programs import find
from tests.render.netns import inside, namespace
from tests.system.within import fresh_name

REFUSED = 0, True
"""Its exit code, and whether it says that it runs already."""
GOES_ON = 2, False
"""It reads its config, and ends for that."""
CONF = "vrrp_instance one {\ninterface none0\nvirtual_router_id 4\nvirtual_ipaddress {\n10.10.50.4\n}\n}\n"


@pytest.fixture
def stranger() -> Iterator[int]:
    """A live process that is not keepalived."""
    with subprocess.Popen(["/bin/sleep", "600"]) as one:
        yield one.pid
        one.kill()


@pytest.fixture
def zombie() -> Iterator[int]:
    """One that has ended, and that nobody has waited for."""
    with subprocess.Popen(["/bin/true"]) as one:
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        yield one.pid


@pytest.fixture
def gone() -> int:
    """Nobody has this number."""
    with subprocess.Popen(["/bin/true"]) as one:
        pass
    return one.pid


Starts: TypeAlias = Callable[[], tuple[int, bool]]


@pytest.fixture
def keepalived(tmp_path: Path) -> Iterator[Starts]:
    """Starts the real one, with its pid files in this folder and an interface that is not there."""
    conf = tmp_path / "conf"
    conf.write_text(CONF)
    pids = [word for flag, name in zip("prcb", NAMES, strict=True) for word in (f"-{flag}", str(tmp_path / name))]
    with namespace(fresh_name()) as place:
        words = inside(place, find("keepalived"), "-n", "-l", "-f", str(conf), *pids)

        def start() -> tuple[int, bool]:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, "daemon is already running" in done.stdout + done.stderr

        yield start


@pytest.mark.root
@pytest.mark.parametrize("name", NAMES)
def test_another_program_with_the_number_keeps_it_from_starting(
    name: str, keepalived: Starts, stranger: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(f"{stranger}\n")
    assert blocking(tmp_path) == (PidFile(str(tmp_path / name), stranger, "sleep"),)
    assert keepalived() == REFUSED
    (tmp_path / name).unlink()  # the cure that halbd names
    assert blocking(tmp_path) == ()
    assert keepalived() == GOES_ON


@pytest.mark.root
def test_so_does_a_zombie(keepalived: Starts, zombie: int, tmp_path: Path) -> None:
    (tmp_path / NAMES[0]).write_text(f"{zombie}\n")
    assert blocking(tmp_path) == (PidFile(str(tmp_path / NAMES[0]), zombie, "a zombie"),)
    assert keepalived() == REFUSED


@pytest.mark.root
@pytest.mark.parametrize("text", ["", "no number", "0"])
def test_so_does_a_file_without_a_process(keepalived: Starts, text: str, tmp_path: Path) -> None:
    (tmp_path / NAMES[0]).write_text(text)
    assert blocking(tmp_path) == (PidFile(str(tmp_path / NAMES[0])),)
    assert keepalived() == REFUSED


@pytest.mark.root
def test_the_number_of_nobody_does_not(keepalived: Starts, gone: int, tmp_path: Path) -> None:
    (tmp_path / NAMES[0]).write_text(f" {gone} and more\n")
    assert blocking(tmp_path) == ()
    assert keepalived() == GOES_ON


def test_nor_does_what_cannot_be_read_or_is_no_number_of_a_process(tmp_path: Path) -> None:
    assert blocking(tmp_path) == ()
    (tmp_path / NAMES[0]).mkdir()
    (tmp_path / NAMES[1]).write_text("9" * 30)
    assert blocking(tmp_path) == ()
