"""Progress while the lab runs: a live screen on a terminal, plain lines elsewhere. The only module that knows rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

STYLES = {"pass": "green", "FAIL": "bold red", "skipped": "yellow"}


class Display(AbstractContextManager["Display"], Protocol):
    """Where progress goes."""

    def stage(self, text: str) -> None:
        """What is being done now."""

    def fault(self, name: str) -> None:
        """A fault is about to be played."""

    def result(self, word: str, text: str) -> None:
        """The fault's verdict, with what was seen."""

    def watch(self, glance: Callable[[], tuple[str, str]]) -> None:
        """From now on the lab can be looked at."""


def display(stream: TextIO) -> Display:
    """The display that suits `stream`."""
    return Screen(stream) if stream.isatty() else Lines(stream)


class Lines:
    """One line per step, with the seconds since the start."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._fault = "lab"

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to clear."""

    def stage(self, text: str) -> None:
        """What is being done now."""
        self._say(text)

    def fault(self, name: str) -> None:
        """A fault is about to be played."""
        self._fault = name

    def result(self, word: str, text: str) -> None:
        """The fault's verdict, with what was seen."""
        self._say(f"{word}: {text}")
        self._fault = "lab"

    def watch(self, glance: Callable[[], tuple[str, str]]) -> None:
        """Lines show no live picture."""

    def _say(self, text: str) -> None:
        self._stream.write(f"{time.monotonic() - self._began:7.1f} s  {self._fault}: {text}\n")
        self._stream.flush()


class Screen:
    """Faults with their verdicts, the step in hand, who holds the VIP and how the client fares, four times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._rows: list[tuple[str, str, str]] = []
        self._fault = "lab"
        self._stage = "starting"
        self._glance: Callable[[], tuple[str, str]] = lambda: ("", "")
        self._spinner = Spinner("dots")
        console = Console(file=stream, stderr=stream is sys.stderr)
        self._live = Live(get_renderable=self._picture, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give the terminal back, empty: the table follows."""
        self._live.stop()

    def stage(self, text: str) -> None:
        """What is being done now."""
        self._stage = text

    def fault(self, name: str) -> None:
        """A fault is about to be played."""
        self._fault = name

    def result(self, word: str, text: str) -> None:
        """The fault's verdict, with what was seen."""
        self._rows.append((self._fault, word, text))
        self._fault = "lab"

    def watch(self, glance: Callable[[], tuple[str, str]]) -> None:
        """From now on the lab can be looked at."""
        self._glance = glance

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, word, text in self._rows:
            table.add_row(name, Text(word, STYLES.get(word, "")), text)
        self._spinner.update(text=Text(f"{self._fault}: {self._stage}", "bold"))
        holders, client = self._glance()
        return Group(table, self._spinner, Text(holders), Text(client))
