"""What a child prints: line by line into the log, whoever of the two lives longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from halbd.daemon.output import LONGEST_LINE, Output


def read(fifo: Path, script: Callable[[Output], Coroutine[Any, Any, None]]) -> list[str]:
    """The lines that an output says while the script runs."""
    lines: list[str] = []

    async def run() -> None:
        output = Output(fifo, lines.append)
        try:
            await script(output)
            output.drain()
        finally:
            output.close()

    asyncio.run(run())
    return lines


def test_lines_are_said_whole_and_remembered(tmp_path: Path) -> None:
    words: list[str] = []

    async def script(output: Output) -> None:
        child = output.child_end()
        os.write(child, b"one\ntwo\nthr")
        os.write(child, b"ee\n\nfour\n")
        os.close(child)
        words.append(output.last_words())
        words.append(output.last_words())

    assert read(tmp_path / "fifo", script) == ["one", "two", "three", "four"]
    assert words == ["two | three | four", ""]


def test_a_child_whose_reader_is_gone_neither_breaks_nor_stops(tmp_path: Path) -> None:
    """A pipe would end it by SIGPIPE or, once full, stop it in a write; here lines are lost."""
    ends: list[int] = []

    async def script(output: Output) -> None:
        ends.append(output.child_end())

    read(tmp_path / "fifo", script)
    written = 0
    try:
        while written < 10_000_000:
            written += os.write(ends[0], b"x" * 1000 + b"\n")
    except BlockingIOError:
        pass
    assert 0 < written < 10_000_000
    os.close(ends[0])


def test_the_next_daemon_reads_what_waited(tmp_path: Path) -> None:
    async def first(output: Output) -> None:
        ends.append(output.child_end())

    async def second(_: Output) -> None:
        """Reads at its end."""

    ends: list[int] = []
    read(tmp_path / "fifo", first)
    os.write(ends[0], b"meanwhile\n")
    assert read(tmp_path / "fifo", second) == ["meanwhile"]
    os.close(ends[0])


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    async def script(output: Output) -> None:
        child = output.child_end()
        for _ in range(100):
            os.write(child, b"x" * 60_000)
            output.drain()
        os.write(child, b"\nnext\n")
        os.close(child)

    long, following = read(tmp_path / "fifo", script)
    assert len(long) == LONGEST_LINE
    assert following == "next"


def test_what_is_not_utf8_is_said_all_the_same(tmp_path: Path) -> None:
    async def script(output: Output) -> None:
        child = output.child_end()
        os.write(child, b"\xff\xfe caf\xe9\r\n")
        os.close(child)

    (line,) = read(tmp_path / "fifo", script)
    assert line.startswith("\ufffd")
