"""keepalived.service, as systemd has it. Times are CLOCK_MONOTONIC seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PidFile:
    """One that keeps keepalived from starting: the process that it names, none where `pid` is 0."""

    path: str
    pid: int = 0
    program: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """By the words of org.freedesktop.systemd1(5). `pid` is None where it does not run.

    `job`: a start or stop waits or is under way. `ended`: when it last ended, None where it has not in this boot.
    `blocked`: the pid files that keep it from starting. `unmet`: a condition of the unit did, at its last start.
    """

    pid: int | None
    load: str = "loaded"
    active: str = "active"
    job: bool = False
    ended: float | None = None
    blocked: tuple[PidFile, ...] = ()
    unmet: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """The service does not run, and halbd does not start it; `since` is None where it has not run."""

    why: str
    cure: str
    since: float | None = None
