"""A model proxy: its life, what it sees of the servers, and what a probe through it meets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache, partial
from random import Random

from halbd.model.config import Config
from halbd.model.evidence import FrontendView, ProxyView, ServerState, ServerView
from tests.sim.clock import Clock

OPENING = 0.05
"""Seconds until a new process has opened its ports."""


class Server(Enum):
    """How an API server is."""

    WELL = auto()
    REFUSES = auto()
    SILENT = auto()


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a new connection meets, after `seconds`; never, where they are None."""

    seconds: float | None
    connected: bool = True
    status: int | None = None


class Proxy:
    """One process.

    `well` is how the servers are, seen from this node; `sees` is what its own checks have found. `shut`: new
    connections from outside have to wait.
    """

    def __init__(self, pid: int, config: Config, well: list[Server], clock: Clock, random: Random) -> None:
        self.pid, self._config, self._clock, self._random = pid, config, clock, random
        self.alive, self.frozen = True, False
        self.wrong = self.mute = self.shut = False
        self.opens = clock.now + OPENING
        self._truth = list(well)
        self.sees = [True] * len(well)
        self._changes = [0] * len(well)
        for index, server in enumerate(well):
            if server is not Server.WELL:
                self._learn(index, found=False, seconds=random.uniform(0, self._longest))

    @property
    def serves(self) -> bool:
        """It does its work. One that sees no server says 503, as it has to."""
        wrong = self.wrong and any(self.sees)
        return self.alive and not self.frozen and not wrong and self._clock.now >= self.opens

    def turned(self, index: int, server: Server) -> None:
        """A server changed; this proxy finds out in its own time."""
        if server is self._truth[index]:
            return
        self._truth[index] = server
        check, found = self._config.frontends[0].check, server is Server.WELL
        # Its own phase, then as many checks as it takes, and the last may take its longest here and be short elsewhere.
        each = self._longest if server is Server.SILENT else 0
        more = (check.rise if found else check.fall) - 1
        last = self._random.uniform(0, self._longest if not found else 0.1)
        self._learn(
            index,
            found=found,
            seconds=self._random.uniform(0, check.interval) + more * (check.interval + each) + last,
        )

    def meet(self) -> Meeting:
        """One connection."""
        if not self.alive or self._clock.now < self.opens:
            return Meeting(0.0005, connected=False)
        if self.frozen:
            return Meeting(None)
        if self.wrong:
            return Meeting(0.005, status=503)
        tried = [server for server, seen in zip(self._truth, self.sees, strict=True) if seen]
        first = tried[int(self._random.random() * len(tried))] if tried else Server.REFUSES
        if first is Server.SILENT:
            return Meeting(None)
        if first is Server.WELL or Server.WELL in tried:  # `option redispatch`
            return Meeting(0.002 + 0.003 * self._random.random(), status=200)
        return Meeting(0.002)

    def view(self) -> ProxyView | None:
        """What the admin socket says; None when it says nothing."""
        return None if self.frozen or self.mute else _view(self._config, tuple(self.sees))

    @property
    def _longest(self) -> float:
        frontend = self._config.frontends[0]
        return max(min(frontend.check.interval, frontend.timeouts.connect), frontend.check.timeout)

    def _learn(self, index: int, *, found: bool, seconds: float) -> None:
        self._changes[index] += 1
        self._clock.after(seconds, partial(self._learned, index, self._changes[index], found))

    def _learned(self, index: int, change: int, found: bool) -> None:
        if change == self._changes[index]:
            self.sees[index] = found


@lru_cache
def _view(config: Config, sees: tuple[bool, ...]) -> ProxyView:
    frontend = config.frontends[0]
    servers = tuple(
        ServerView(server.name, server.address, ServerState.UP if up else ServerState.DOWN, "L7OK")
        for server, up in zip(frontend.servers, sees, strict=True)
    )
    return ProxyView((FrontendView(frontend.name, servers),))
