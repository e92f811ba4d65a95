"""The proxy and keepalived, kept running: what the beginning and the end of each mean for the rest.

What a child does by itself is in life.py. A keepalived that systemd runs is none; what systemd says of it is here too.
"""

from __future__ import annotations

from collections.abc import Mapping

from halbd.decide import life, probing
from halbd.model.child import Child, Phase, Program
from halbd.model.config import LogLevel
from halbd.model.effects import Effect, FallBack, LetIn, Say, StartKeepalivedUnit, TakeUp, WriteLook
from halbd.model.events import Exited, KeepalivedSeen, Spawned, SpawnFailed
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import State

Step = tuple[State, tuple[Effect, ...]]


def tick(state: State, now: Now) -> Step:
    """Both children are to run at all times, until halbd itself is stopped."""
    proxy, effects = _tick(state, state.proxy, Program.PROXY, now)
    keepalived = state.keepalived
    if state.keepalived_is_child:
        keepalived, more = _tick(state, keepalived, Program.KEEPALIVED, now)
        effects += more
    if (proxy, keepalived) != (state.proxy, state.keepalived):
        state = replace(state, proxy=proxy, keepalived=keepalived)
    return state, effects


def _tick(state: State, child: Child, program: Program, now: Now) -> tuple[Child, tuple[Effect, ...]]:
    if child.phase is Phase.STOPPED and not state.stopping:
        return life.start(child, program, now)
    return life.tick(child, program, now)


def happened(state: State, event: Spawned | SpawnFailed | Exited, now: Now) -> Step:
    """One was started, could not be, or has ended; the end of one that was given up before is no news."""
    match event:
        case Spawned():
            return _spawned(state, event, now)
        case SpawnFailed():
            return _died(state, event.program, event.reason, event.jitter, now)
        case Exited():
            same = _child(state, event.program).pid == event.pid
            return _exited(state, event, now) if same else (state, ())


def seen(state: State, event: KeepalivedSeen) -> Step:
    """What systemd says. One that failed is started again, for its VIP is still here; not one that was stopped."""
    effects: tuple[Effect, ...] = ()
    if state.keepalived.pid is not None and event.pid is None:
        effects += (Say(LogLevel.ERROR, "keepalived.gone", {"pid": state.keepalived.pid, "failed": event.failed}),)
    if event.failed and not state.stopping:
        effects += (StartKeepalivedUnit(),)
    if event.idle and event.idle != state.guard.idle:
        effects += (Say(LogLevel.WARNING, "keepalived.left_alone", {"why": event.idle.why, "cure": event.idle.cure}),)
    phase = Phase.RUNNING if event.pid else Phase.STOPPED
    keepalived = replace(state.keepalived, phase=phase, pid=event.pid)
    return replace(state, keepalived=keepalived, guard=replace(state.guard, idle=event.idle)), effects


def _spawned(state: State, event: Spawned, now: Now) -> Step:
    handed_over = event.adopted and state.proxy.running
    child, effects = life.spawned(_child(state, event.program), event.program, event.pid, event.start_ticks, now)
    state = _with_child(state, event.program, child)
    word = "adopted" if event.adopted else "started"
    said = Say(LogLevel.INFO, f"{event.program}.{word}", {"pid": event.pid, "restarts": child.restarts})
    if event.program is Program.PROXY:
        state = replace(state, taken_up=event.adopted and not event.behind, serves=state.installed, kept_out=None)
        state = probing.fresh(state, now, adopted=event.adopted, handed_over=handed_over)
        if event.behind:
            state = probing.behind(state, now)  # and an earlier daemon has written down where it is to be asked
        else:
            effects += (WriteLook(),)
        if event.adopted:
            effects += (LetIn(),)  # an earlier daemon may have ended while new connections waited
    if event.behind:
        effects += (TakeUp(event.program),)
    return state, (*effects, said)


def _exited(state: State, event: Exited, now: Now) -> Step:
    """A proxy that never served a generation which never worked: that one may be why."""
    hopeless = event.program is Program.PROXY and not (state.taken_up or state.marked or state.stopping)
    state, effects = _died(state, event.program, event.how, event.jitter, now)
    return state, (*effects, FallBack(event.how)) if hopeless else effects


def _died(state: State, program: Program, how: str, jitter: float, now: Now) -> Step:
    child, effects = life.died(_child(state, program), how, jitter, now)
    wanted = child.phase is Phase.STOPPED
    fields: Mapping[str, object] = {"how": how, "restart_in_s": round(child.due - now.mono, 3) if child.due else None}
    said = Say(LogLevel.INFO if wanted else LogLevel.ERROR, f"{program}.exited", fields)
    return _with_child(state, program, child), (*effects, said)


def _child(state: State, program: Program) -> Child:
    return state.proxy if program is Program.PROXY else state.keepalived


def _with_child(state: State, program: Program, child: Child) -> State:
    return replace(state, proxy=child) if program is Program.PROXY else replace(state, keepalived=child)
