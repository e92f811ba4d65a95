"""Simulated time: what is to happen, in order."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

BEGIN = 1000.0


class Clock:
    """What comes due at the same moment happens in the order in which it was asked for, so a run can be repeated."""

    def __init__(self) -> None:
        self.now = BEGIN
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._asked = 0

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        self._asked += 1
        heappush(self._waiting, (self.now + seconds, self._asked, act))

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        end, waiting = self.now + seconds, self._waiting
        while waiting and waiting[0][0] <= end:
            self.now, _, act = heappop(waiting)
            act()
        self.now = end
