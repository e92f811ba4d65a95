"""The one task that owns the state: takes an event, asks `step`, hands the effects on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from halbd.decide.step import next_due, step
from halbd.model.effects import Effect, Finish
from halbd.model.events import Event, Tick
from halbd.model.evidence import Now
from halbd.model.state import State

LONGEST_WAIT = 1.0
"""Seconds after which the loop turns over in any case, so that whoever watches it sees that it lives."""


def read_clocks() -> Now:
    """Both clocks at this moment."""
    return Now(time.monotonic(), datetime.now(UTC))


class Owner:
    """Nobody else changes the state; everybody may read the latest."""

    def __init__(self, state: State, perform: Callable[[Effect], None], turned: Callable[[State], None]) -> None:
        self.state = state
        self._perform = perform
        self._turned = turned
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def post(self, event: Event) -> None:
        """Something has happened."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Until everything is stopped."""
        while not self._take(await self._next()):
            self._turned(self.state)

    def _take(self, event: Event) -> bool:
        self.state, effects = step(self.state, event, read_clocks())
        for effect in effects:
            self._perform(effect)
        return any(isinstance(effect, Finish) for effect in effects)

    async def _next(self) -> Event:
        due = next_due(self.state)
        wait = LONGEST_WAIT if due is None else min(LONGEST_WAIT, max(0.0, due - time.monotonic()))
        try:
            async with asyncio.timeout(wait):
                return await self._events.get()
        except TimeoutError:
            return Tick()
