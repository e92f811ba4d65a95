"""keepalived.service, as systemd has it. Times are CLOCK_MONOTONIC seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Service:
    """By the words of org.freedesktop.systemd1(5). `pid` is None where it does not run.

    `job`: a start or stop waits or is under way. `ended`: when it last ended, None where it has not in this boot.
    """

    pid: int | None
    load: str = "loaded"
    active: str = "active"
    job: bool = False
    ended: float | None = None


class Why(StrEnum):
    """Why halbd leaves the service as it is, in the words that status uses."""

    STOPPED = "it was stopped by somebody"
    MASKED = "it is masked"
    ABSENT = "there is no such unit"


@dataclass(frozen=True, slots=True)
class Idle:
    """The service does not run, and halbd does not start it; `since` is None where it has not run."""

    why: Why
    since: float | None = None
