"""The life of a child: one table, one function per event.

| phase | event | next phase | what halbd does |
|---|---|---|---|
| stopped | start | starting | spawn |
| starting | spawned | running | |
| starting | spawned | trial | |
| trial | due | running | |
| starting | spawn failed | backoff | |
| running, trial | exited | backoff | |
| backoff | due | starting | spawn |
| running, trial, starting | stop | stopping | SIGTERM |
| stopping | due | stopping | SIGKILL |
| stopping | exited | stopped | |
| backoff | stop | stopped | |

The failures in a row decide how long it rests, and from OFTEN on how long it is on trial (it runs, and is due to be
trusted) when it has been started again. Only a life of SETTLED seconds ends the row: one that serves for a while and
dies, again and again, must not move a VIP at every death and again at every return. At a hand-over another process
takes the place of one that runs, and the phase stays.
"""

from __future__ import annotations

from signal import Signals

from halbd.model.child import Child, Phase, Program
from halbd.model.effects import Effect, Signal, Spawn
from halbd.model.evidence import Now
from halbd.model.replacing import replace

FIRST_DELAY = 0.2
"""Seconds before the first restart."""
LONGEST_DELAY = 30.0
"""Seconds that a restart is put off at the most."""
SETTLED = 60.0
"""Seconds of running after which earlier failures are forgotten: well longer than any rest."""
OFTEN = 3
"""Failures in a row after which it is on trial when it runs again."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

Step = tuple[Child, tuple[Effect, ...]]


def delay(failures: int, jitter: float) -> float:
    """Capped exponential backoff in seconds; `jitter` in [0, 1) takes off up to a quarter, so that nodes spread out."""
    full = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures, 20))
    return full * (1 - jitter / 4)


def trial(failures: int) -> float:
    """Seconds that it must run after so many failures in a row before it is trusted: 8, twice as long each time."""
    return min(SETTLED, 2.0 ** min(failures, 20)) if failures >= OFTEN else 0.0


def start(child: Child, program: Program, now: Now) -> Step:
    """Begin a life, where there is none."""
    if child.phase is not Phase.STOPPED:
        return child, ()
    return replace(child, phase=Phase.STARTING, changed=now, due=None), (Spawn(program),)


def spawned(child: Child, program: Program, pid: int, start_ticks: int, now: Now) -> Step:
    """The process is there; one that was told to stop meanwhile is stopped now.

    One that takes over from another which runs is tried for no longer than that would have been.
    """
    failures = _failures(child, now)
    due = now.mono + trial(failures) if failures >= OFTEN else None
    running = replace(
        child,
        phase=Phase.RUNNING,
        pid=pid,
        start_ticks=start_ticks,
        started=now,
        changed=now,
        failures=failures,
        due=child.due if child.phase is Phase.RUNNING else due,
    )
    return stop(running, program, now) if child.phase is Phase.STOPPING else (running, ())


def died(child: Child, how: str, jitter: float, now: Now) -> Step:
    """The process is gone, or never came about: rest a while, or stay stopped where that was asked for."""
    gone = replace(child, pid=None, start_ticks=0, changed=now, last_exit=how, due=None)
    if child.phase in (Phase.STOPPING, Phase.STOPPED):
        return replace(gone, phase=Phase.STOPPED), ()
    failures = _failures(child, now)
    due = now.mono + delay(failures, jitter)
    return replace(gone, phase=Phase.BACKOFF, failures=failures + 1, due=due), ()


def _failures(child: Child, now: Now) -> int:
    """In a row, as long as no life was long enough to end it."""
    settled = child.started is not None and child.pid is not None and now.mono - child.started.mono >= SETTLED
    return 0 if settled else child.failures


def stop(child: Child, program: Program, now: Now) -> Step:
    """End a life: SIGTERM now, SIGKILL when GRACE has passed."""
    match child.phase:
        case Phase.RUNNING:
            stopping = replace(child, phase=Phase.STOPPING, changed=now, due=now.mono + GRACE)
            return stopping, (Signal(program, Signals.SIGTERM),)
        case Phase.STARTING:
            return replace(child, phase=Phase.STOPPING, changed=now, due=None), ()
        case Phase.BACKOFF:
            return replace(child, phase=Phase.STOPPED, changed=now, due=None), ()
        case Phase.STOPPING | Phase.STOPPED:
            return child, ()


def tick(child: Child, program: Program, now: Now) -> Step:
    """What is due: a restart, the SIGKILL of a process that did not heed SIGTERM, the end of a trial."""
    if child.due is None or now.mono < child.due:
        return child, ()
    if child.phase is Phase.BACKOFF:
        restarted = replace(child, phase=Phase.STARTING, changed=now, due=None, restarts=child.restarts + 1)
        return restarted, (Spawn(program),)
    late = child.phase is Phase.STOPPING
    return replace(child, due=None), (Signal(program, Signals.SIGKILL),) if late else ()
