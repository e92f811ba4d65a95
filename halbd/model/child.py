"""A program that halbd runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from halbd.model.evidence import Now


class Program(StrEnum):
    """The two programs that halbd runs."""

    PROXY = "proxy"
    KEEPALIVED = "keepalived"


class Phase(StrEnum):
    """Where a child is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    BACKOFF = "backoff"


@dataclass(frozen=True)  # without slots: see replacing.py
class Child:
    """One child. `failures` in a row; `due` is the monotonic time of its next step.

    That is a restart in BACKOFF, a SIGKILL in STOPPING, and in RUNNING the end of its trial, where it is on one.
    """

    phase: Phase = Phase.STOPPED
    pid: int | None = None
    start_ticks: int = 0
    started: Now | None = None
    changed: Now | None = None
    restarts: int = 0
    failures: int = 0
    due: float | None = None
    last_exit: str | None = None

    @property
    def on_trial(self) -> bool:
        """It runs, and has not run for long enough to be trusted after so many deaths."""
        return self.phase is Phase.RUNNING and self.due is not None

    @property
    def running(self) -> bool:
        """The process is alive as far as the kernel has told us."""
        return self.phase in (Phase.RUNNING, Phase.STOPPING) and self.pid is not None
