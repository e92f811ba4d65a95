"""What a child prints, by way of a FIFO that belongs to nobody's life.

A pipe would break when the daemon dies, and a full one would stop the proxy in a write. The child's end of the FIFO is
open for reading and writing, so it never breaks, and does not block, so lines that nobody reads are lost (fifo(7)).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

CHUNK = 65536
LAST_WORDS = 3
MOST_LINES = 200
"""Of one chunk; the rest is lost."""
LONGEST_LINE = 2000


class Output:
    """Reads one child's lines and remembers the last few."""

    def __init__(self, fifo: Path, say: Callable[[str], None]) -> None:
        self._fifo = fifo
        self._say = say
        self._rest = b""
        self._last: deque[str] = deque(maxlen=LAST_WORDS)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(fifo, 0o600)
        self._descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._descriptor, self.drain)

    def child_end(self) -> int:
        """A descriptor to give to a child, also when somebody has removed the file; the caller closes its own copy."""
        return os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def drain(self) -> None:
        """Read one chunk of what is there: a child that never stops talking must not keep the loop."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._descriptor, CHUNK)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._rest = self._rest[:LONGEST_LINE]
            for line in lines[-MOST_LINES:]:
                self._line(line.decode(errors="replace").rstrip()[:LONGEST_LINE])

    def last_words(self) -> str:
        """The last lines, and forget them: the next child has words of its own."""
        self.drain()
        words = " | ".join(self._last)
        self._last.clear()
        return words

    def close(self) -> None:
        """Stop reading."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _line(self, line: str) -> None:
        if line:
            self._last.append(line)
            self._say(line)
