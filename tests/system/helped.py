"""The real helper, started on its first question as by halbd-helper.socket, in a network namespace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest

from halbd.model.errors import FailedError
from halbd.system.helper import ask
from tests.render.netns import inside, wait_until

Way: TypeAlias = Callable[[str], AbstractContextManager[None]]
"""Has what takes privileges done the one way or the other, by a process in that namespace."""


@contextmanager
def helper(*before: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Listening, and started by the first question; `before` are the words before its command line."""
    with TemporaryDirectory(prefix="hb-") as folder:
        path = Path(folder) / "sock"
        words = ["systemd-socket-activate", f"--listen={path}", sys.executable, "-P", "-m", "halbd.cli.halbd"]
        with subprocess.Popen([*before, *words, "--helper"], stderr=subprocess.PIPE, text=True) as one:
            try:
                wait_until(path.exists, "the socket")
                yield one, path
            finally:
                one.kill()


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch, path: Path) -> Iterator[None]:
    """This process asks there, once an answer has come, and waits for long: a busy machine is no broken helper."""
    with monkeypatch.context() as patched:
        patched.setenv(ask.SOCKET, str(path))
        patched.setattr(ask, "SOON", 60.0)
        patched.setattr(ask, "INSTANT", 60.0)
        patched.setattr(ask, "LATER", 60.0)
        wait_until(answers, "an answer", 60)
        yield


def answers() -> bool:
    """Whether there is an answer to a question."""
    try:
        return ask.program(os.getpid()) is not None
    except FailedError:
        return False


@contextmanager
def by_helper(monkeypatch: pytest.MonkeyPatch, place: str) -> Iterator[None]:
    """One in that namespace."""
    with helper(*inside(place)) as (_, path), asked(monkeypatch, path):
        yield
