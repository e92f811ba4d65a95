"""`POST /drain` and `POST /undrain`: notes the wish on disk, has the owner see to it, and waits for the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from halbd.daemon import drain_note
from halbd.daemon.owner import read_clocks
from halbd.decide.draining import forced
from halbd.model.effects import DrainSettled, ForgetDrain
from halbd.model.errors import HalbdError
from halbd.model.events import DrainRequested, Event, UndrainRequested
from halbd.model.evidence import Now
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system import files


@dataclass(frozen=True, slots=True)
class Undrained:
    """Whether there was a drain, the VIPs that went unserved here and are tried again, and what is told besides."""

    drained: bool
    tried: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of a drain, and what the operator must be told besides."""

    settled: DrainSettled
    warnings: tuple[str, ...]


class Drainer:
    """Holds the note on disk, so that it and the state agree."""

    def __init__(
        self,
        paths: Paths,
        post: Callable[[Event], None],
        state: Callable[[], State],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._note, self._post, self._state, self._begin = paths.maintenance, post, state, begin
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._lock = asyncio.Lock()
        self._number = 0
        self._undrained: int | None = None
        self._waiting: list[asyncio.Future[DrainSettled]] = []

    async def drain(self, seconds: float | None, *, force: bool) -> Drained:
        """Ask for it and wait for the outcome. Raises HalbdError where it was not even begun."""
        async with self._lock:
            if self._state().stopping:
                raise HalbdError("cannot drain: halbd is being stopped")
            now = read_clocks()
            warnings = await self._write(seconds, now, force=force)
            self._number += 1
            settled = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            until = None if seconds is None else now.mono + seconds
            self._post(DrainRequested(now.wall, until, force, self._number))
        return Drained(await settled, warnings)

    async def undrain(self) -> Undrained:
        """End it.

        A note that stays is told and does not keep the node away: its peer may be gone.
        """
        async with self._lock:
            state, mono = self._state(), read_clocks().mono
            tried = tuple(str(vip) for vip, bar in state.barred.items() if mono < bar.until)
            warnings = await self._remove()
            self._undrained = self._number
            self._post(UndrainRequested())
        return Undrained(state.maintenance is not None, tried, warnings)

    async def put_back(self) -> None:
        """Note the drain that is in force again, where somebody has removed its note. Raises OSError."""
        async with self._lock:
            one = self._state().maintenance
            if one is None or one.number == self._undrained or self._note.exists():
                return
            now = read_clocks()
            left = None if one.until is None else one.until - now.mono
            await asyncio.to_thread(drain_note.write, self._note, one.since, left, now, force=one.force)
            self._log.error("maintenance.put_back", file=str(self._note))

    def perform(self, effect: DrainSettled | ForgetDrain) -> None:
        """What the owner has decided."""
        match effect:
            case DrainSettled():
                self._settle(effect)
            case ForgetDrain():
                self._begin(self._forget(effect.number))

    def _settle(self, settled: DrainSettled) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(settled)
        self._waiting.clear()

    async def _forget(self, number: int) -> None:
        """Remove the note of that drain, unless a newer one has been written."""
        async with self._lock:
            if number == self._number:
                await self._remove()

    async def _write(self, seconds: float | None, now: Now, *, force: bool) -> tuple[str, ...]:
        """A drain that a restart would end is refused, or with `force` begun and told."""
        before = self._state().maintenance
        since = before.since if before else now.wall
        try:
            await asyncio.to_thread(
                drain_note.write, self._note, since, seconds, now, force=forced(before, force=force)
            )
        except OSError as error:
            why = f"cannot write {self._note}: {error.strerror}"
            if not force:
                raise HalbdError(f"cannot drain: it would not survive a restart: {why}") from error
            return (f"this drain ends with the daemon: {why}",)
        return ()

    async def _remove(self) -> tuple[str, ...]:
        try:
            await asyncio.to_thread(files.remove, self._note)
        except OSError as error:
            why = f"cannot remove {self._note}: {error.strerror}; the next start of halbd finds this node drained"
            self._log.error("maintenance.not_removed", why=why)
            return (why,)
        return ()
