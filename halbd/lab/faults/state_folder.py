"""state-full, state-readonly, state-removed: the folder for what must outlive a reboot cannot be used."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from signal import SIGKILL
from time import monotonic
from typing import Any

from halbd.lab import verdict
from halbd.lab.command import run
from halbd.lab.faults.base import Cost, Fault, Stage, calm, needs_two_nodes, until, until_moved
from halbd.lab.faults.proxy import proxy_pid
from halbd.lab.faults.removing import remove
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config

FILLER = "filler"
CHUNK = bytes(1 << 20)
QUIET = 3.0  # seconds in which nothing may happen
TOLD = 5.0  # seconds for the daemon to say that its history waits, and later that it was written


async def _fill(disk: Path) -> None:
    """Until not a byte more fits, nor at the end of the history's last page."""
    history = disk / "halbd" / "history.jsonl"
    with contextlib.suppress(OSError), history.open("a") as lines:
        lines.write(" " * (-history.stat().st_size % os.sysconf("SC_PAGE_SIZE")))
    with contextlib.suppress(OSError), (disk / FILLER).open("wb", buffering=0) as file:
        for size in (len(CHUNK), 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(CHUNK[:size]) == size:
                    pass
        os.fsync(file.fileno())


async def _empty(disk: Path) -> None:
    (disk / FILLER).unlink(missing_ok=True)


async def _remount(word: str, disk: Path) -> None:
    await run("mount", "-o", f"remount,{word}", str(disk))


async def _remove(disk: Path) -> None:
    remove(disk / "halbd")


async def _leave(_: Path) -> None:
    """Whoever needs the folder makes it."""


Act = Callable[[Path], Awaitable[None]]


@asynccontextmanager
async def _inflict(stage: Stage, strike: Act, heal: Act, *, gone: bool = False) -> AsyncIterator[float]:
    disk, chronicle = stage.lab.disk(stage.victim), stage.lab.chronicles[stage.victim]
    injected = monotonic()
    if gone:
        chronicle.removed()
    else:
        chronicle.hindered(injected)
    await strike(disk)
    try:
        yield injected
    finally:
        await heal(disk)
        chronicle.hindered(None)


async def _observe(stage: Stage) -> None:
    """A while in which nothing may happen; then the proxy dies, so that there are transitions to be written."""
    lab = stage.lab
    await stage.look_on(stage.lasting(QUIET))
    stage.found.append(calm(stage))
    lab.signal(stage.victim, await proxy_pid(stage), SIGKILL)
    await until_moved(stage)


async def _observe_unwritten(stage: Stage) -> None:
    await _observe(stage)
    waits = await until(stage, _history_waits, TOLD)
    stage.found.append(yes("status counts what is not written", "no", ok=waits is not None))


def _history_waits(status: dict[str, Any]) -> bool:
    return bool(status.get("history", {}).get("unwritten"))


async def _after(stage: Stage) -> tuple[Finding, ...]:
    written = await until(stage, lambda status: not _history_waits(status), TOLD)
    return (yes("history written in the end", "it waits", ok=written is not None),)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """What the proxy's death costs is proxy-kill's to judge."""
    return (verdict.moved(numbers),)


def _fault(name: str, what: str, strike: Act, heal: Act, *, gone: bool = False) -> Fault:
    return Fault(
        name=name,
        summary=f"the state folder {what} on the node that holds the VIP; then its proxy dies",
        inflict=partial(_inflict, strike=strike, heal=heal, gone=gone),
        observe=_observe if gone else _observe_unwritten,
        judge=_judge,
        impossible=needs_two_nodes,
        after=_after,
        cost=Cost.NOTHING,
        holds="The node serves on; transitions that cannot be written are counted in status, and written later.",
    )


FULL = _fault("state-full", "is full", _fill, _empty)
READONLY = _fault("state-readonly", "is read-only", partial(_remount, "ro"), partial(_remount, "rw"))
REMOVED = _fault("state-removed", "is removed", _remove, _leave, gone=True)
