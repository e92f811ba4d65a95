"""The lab's long-running programs and the tasks that read them: what ends by itself ends the lab with its reason."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from halbd.lab.errors import LabError

GRACE = 5.0  # seconds for a program to end at SIGTERM

T = TypeVar("T")


class Tasks:
    """Owns them all; `failed` resolves with the first error of a task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._programs: list[Process] = []
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until the lab ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work`; when one of the lab's own tasks fails first, cancel it and raise that error."""
        task = asyncio.create_task(work)
        both: set[asyncio.Future[Any]] = {task, self.failed}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self.failed.done():
                self.failed.result()
            return await task
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def start(
        self, *arguments: str, output: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start a program. What it says goes to the file `output`; without one, stdout is a pipe.

        A session of its own: Ctrl-C at the terminal is for the lab alone, which then takes everything down in order.

        Raises:
            LabError: it cannot be started.
        """
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(output.open("ab")) if output else None
            try:
                program = await asyncio.create_subprocess_exec(
                    *arguments,
                    stdin=DEVNULL,
                    stdout=file or PIPE,
                    stderr=file or DEVNULL,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise LabError(f"cannot start {arguments[0]}: {error.strerror}") from error
        self._programs = [*(one for one in self._programs if one.returncode is None), program]
        return program

    def pids(self) -> frozenset[int]:
        """The programs that run."""
        return frozenset(program.pid for program in self._programs if program.returncode is None)

    async def lines(self, *arguments: str) -> asyncio.StreamReader:
        """Start a program and hand over its stdout. Raises LabError."""
        program = await self.start(*arguments, environment={**os.environ, "TZ": "UTC"})
        if program.stdout is None:
            raise LabError(f"cannot read from {arguments[0]}: it was started without a pipe")
        return program.stdout

    async def close(self) -> None:
        """Cancel the tasks, then end the programs: SIGTERM to all, SIGKILL to what is left after the grace."""
        for task in list(self._tasks):
            task.cancel()
        alive = [program for program in self._programs if program.returncode is None]
        for program in alive:
            with contextlib.suppress(ProcessLookupError):
                program.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE):
                await asyncio.gather(*(program.wait() for program in alive))
        except TimeoutError:
            for program in alive:
                if program.returncode is None:
                    program.kill()
        if self.failed.done():
            self.failed.exception()  # it was told where it mattered; asyncio would complain that nobody looked
