"""The lab plays systemd for each node's halbd: what ends is started again, as systemd/halbd.service says."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM, Signals
from time import monotonic

from halbd.lab.errors import LabError

RESTART_SEC = 1.0  # RestartSec= of systemd/halbd.service, in seconds; Restart=always
STOP_LIMIT = 30.0  # TimeoutStopSec=
ANSWERING = 0.1  # seconds between two looks at whether a new daemon answers


@dataclass(frozen=True, slots=True)
class End:
    """A daemon's end (monotonic seconds); `asked`: the lab had a hand in it."""

    at: float
    code: int
    asked: bool


@dataclass(frozen=True, slots=True)
class Absence:
    """From `since` to `until` no daemon followed the kernel's messages; `until` is None while that lasts."""

    since: float
    until: float | None = None


class Unit:
    """One node's halbd. WatchdogSec= is not played: a daemon that hangs for long is the harder case."""

    def __init__(self, launch: Callable[[], Awaitable[Process]], answers: Callable[[], Awaitable[bool]]) -> None:
        self._launch, self._answers = launch, answers
        self.ends: list[End] = []
        self.absences: list[Absence] = [Absence(monotonic())]
        self._process: Process | None = None
        self._asked = False
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._gone = asyncio.Event()
        self._gone.set()

    @property
    def pid(self) -> int | None:
        """The daemon's, None while none runs."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def run(self) -> None:
        """Start it, and again whenever it ends, until the lab does. Raises LabError when it cannot be started."""
        while True:
            await self._wanted.wait()
            self._process = await self._launch()
            self._gone.clear()
            answering = asyncio.create_task(self._until_it_answers())
            try:
                code = await self._process.wait()
            finally:
                answering.cancel()
            self._ended(code)
            if self._wanted.is_set():
                await asyncio.sleep(RESTART_SEC)

    async def _until_it_answers(self) -> None:
        while not await self._answers():  # noqa: ASYNC110  # another process's doing
            await asyncio.sleep(ANSWERING)
        self.absences[-1] = Absence(self.absences[-1].since, monotonic())

    def _ended(self, code: int) -> None:
        if self.absences[-1].until is not None:
            self.absences.append(Absence(monotonic()))
        self.ends.append(End(monotonic(), code, self._asked))
        self._asked = False
        self._gone.set()

    def expect(self) -> None:
        """The next end is the lab's doing."""
        self._asked = True

    def signal(self, number: Signals) -> None:
        """Signal the daemon alone, if one runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; it is started again, as after a crash."""
        if self.pid is not None:
            self.expect()
            self.signal(SIGKILL)

    def power_off(self) -> None:
        """SIGKILL, and no restart until start(): the machine is off."""
        self._wanted.clear()
        self.kill()

    def absent(self, since: float, until: float) -> None:
        """The process lived on, but for a time there was no daemon in it."""
        self.absences.insert(0, Absence(since, until))

    async def ended(self) -> None:
        """Wait for the end of a daemon that was killed."""
        await self._gone.wait()

    def terminate(self) -> None:
        """What `systemctl stop` begins with: SIGTERM, and no restart."""
        self._wanted.clear()
        if self.pid is not None:
            self.expect()
            self.signal(SIGTERM)

    async def gone(self) -> End | None:
        """Wait for the end of a daemon that was told to stop; one that does not heed it is killed, as systemd does.

        Returns its end, None where no daemon has run.

        Raises:
            LabError: it does not even die.
        """
        for number in (None, SIGKILL):
            if number:
                self.signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT):
                    await self._gone.wait()
                return self.ends[-1] if self.ends else None
        raise LabError("cannot stop halbd: it does not die")

    def start(self) -> None:
        """What `systemctl start` does."""
        self._wanted.set()

    async def up(self, deadline: float) -> bool:
        """Wait until a daemon answers; False when none did within `deadline` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                while self.pid is None or self.absences[-1].until is None:  # noqa: ASYNC110  # as above
                    await asyncio.sleep(ANSWERING)
                return True
        return False
