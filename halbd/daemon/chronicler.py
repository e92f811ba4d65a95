"""Has the history written on a thread that a disk may stall, and tells how far that goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor, Future

import structlog

from halbd.daemon.history import History
from halbd.model.events import Event, HistoryKept
from halbd.model.transition import Transition


class Chronicler:
    """What comes of each write is told once for every change."""

    def __init__(self, history: History, disk: Executor, post: Callable[[Event], None]) -> None:
        self._history, self._disk, self._post = history, disk, post
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._keeping: Future[None] | None = None
        self._told = HistoryKept(0, "")

    def add(self, one: Transition) -> None:
        """Have a transition written, and what waited before it."""
        self._disk.submit(self._write, lambda: self._history.add(one), asyncio.get_running_loop())

    def keep(self) -> None:
        """Try what waits again, and put back a file that was removed; one try at a time, since a disk may stall."""
        if self._keeping is None or self._keeping.done():
            self._keeping = self._disk.submit(self._write, self._history.flush, asyncio.get_running_loop())

    def _write(self, write: Callable[[], str | None], loop: asyncio.AbstractEventLoop) -> None:
        why = write() or ""
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._tell, HistoryKept(self._history.unwritten, why))

    def _tell(self, now: HistoryKept) -> None:
        if now == self._told:
            return
        self._told = now
        self._post(now)
        if now.why:
            self._log.error("history.not_written", why=now.why, waiting=now.unwritten)
        else:
            self._log.info("history.written")
