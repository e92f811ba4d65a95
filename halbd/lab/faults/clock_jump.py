"""clock-jump: the wall clock of one node's daemon jumps a year ahead, then a year back (libfaketime)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from halbd.lab import verdict
from halbd.lab.errors import LabError
from halbd.lab.faults.base import Cost, Fault, Stage
from halbd.lab.faults.kept import kept
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.verdict import Finding
from halbd.model.config import Config

LIBRARY = "faketime/libfaketimeMT.so.1"
PLACES = (*Path("/usr/lib").glob(f"*/{LIBRARY}"), *Path("/usr/lib64").glob(LIBRARY))
JUMP = 5.0  # seconds of each jump
# libfaketime 0.9.10 takes CLOCK_MONOTONIC for faked in clock_nanosleep(2) with TIMER_ABSTIME, which is time.sleep().
# And the clock is the daemon's alone, not that of what it runs: Envoy hangs under it, even with --version.
SITE = """\
import os, select, time
os.environ.pop("LD_PRELOAD", None)
time.sleep = lambda seconds: (select.select((), (), (), seconds), None)[1]
"""
STARTING = 40.0  # seconds for a daemon to answer


def _impossible(_: Plan) -> str:
    return "" if PLACES else "libfaketime is not installed (Debian: faketime; packaging/install-tools lab)"


async def _restarted(stage: Stage, environment: dict[str, str]) -> None:
    """A daemon with another environment; its programs run on. Raises LabError."""
    stage.lab.environments[stage.victim] = environment
    stage.unit.kill()
    await stage.unit.ended()
    if not await stage.unit.up(STARTING):
        raise LabError(f"cannot restart halbd on {stage.victim}\n{stage.lab.tail(stage.victim)}")


def _set(stage: Stage, offset: str) -> None:
    """By rename: it is read while we write."""
    file = stage.lab.folder.path / f"{stage.victim}.faketime"
    new = file.with_suffix(".new")
    new.write_text(f"{offset}\n")
    new.rename(file)


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    _set(stage, "+0")
    (stage.lab.folder.path / "sitecustomize.py").write_text(SITE)
    fake = {
        "PYTHONPATH": str(stage.lab.folder.path),
        "LD_PRELOAD": str(PLACES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(stage.lab.folder.path / f"{stage.victim}.faketime"),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a jump of the wall clock, not of time itself
    }
    await _restarted(stage, fake)
    try:
        injected = monotonic()
        _set(stage, "+365d")
        yield injected
    finally:
        _set(stage, "+0")
        await _restarted(stage, {})


async def _observe(stage: Stage) -> None:
    """Each jump is seen in the time stamps: else nothing has been played."""
    for days, following in ((365, "-365d"), (-365, "+0")):
        await stage.look_on(JUMP)
        stamps = [probe["at"] for probe in (await stage.status()).get("probes", ()) if probe["at"]]
        off = [(datetime.fromisoformat(at) - datetime.now(UTC)).days for at in stamps]
        told = f"{off or 'no stamps'} days"
        there = bool(off) and all(abs(one - days) <= 1 for one in off)
        stage.found.append(verdict.yes(f"time stamps are {days:+} days off", told, ok=there))
        _set(stage, following)
    await stage.look_on(JUMP)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="clock-jump",
    summary="the wall clock of the holder's halbd jumps a year ahead, then two years back",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=_impossible,
    after=kept,
    cost=Cost.NOTHING,
    holds="Nothing but the time stamps changes.",
)
