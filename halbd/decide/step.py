"""The owner's one function: what happened, what halbd then knows, and what it does."""

from __future__ import annotations

from collections.abc import Mapping

from halbd.decide import (
    blind,
    cutting,
    draining,
    guard,
    holding,
    hung,
    life,
    mending,
    parting,
    pausing,
    probing,
    pushing,
    rivals,
    stopping,
    unclaimed,
)
from halbd.decide.handover import leaving
from halbd.decide.verdict import verdict
from halbd.model.child import Child, Phase, Program
from halbd.model.config import LogLevel
from halbd.model.effects import (
    DumpAddresses,
    Effect,
    FallBack,
    LetIn,
    LookAtKeepalived,
    MarkGood,
    Say,
    StartKeepalivedUnit,
    TakeUp,
    WriteLook,
)
from halbd.model.events import (
    AddressChanged,
    AddressesDumped,
    AdvertsHeard,
    ConfigApplied,
    ConfigRejected,
    ConnectionsEnded,
    DoorSeen,
    DrainRequested,
    Event,
    Exited,
    FilesMended,
    HistoryKept,
    KeepalivedLooked,
    KeepalivedSeen,
    ProbeDone,
    ProxyMute,
    ProxySeen,
    ProxySilent,
    PushFailed,
    PushLost,
    Spawned,
    SpawnFailed,
    StopRequested,
    TakenUp,
    Tick,
    UndrainRequested,
    UpgradeFailed,
)
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import Rejected, State, Stopping
from halbd.model.verdict import Verdict

Step = tuple[State, tuple[Effect, ...]]

KEEPALIVED_INTERVAL = 5.0
"""Seconds between two questions to systemd about keepalived.service."""


def step(state: State, event: Event, now: Now) -> Step:
    """One event in, the new state and what is to be done out. Pure."""
    state, effects = _happen(guard.awake(state, now), event, now)
    state, more = _due(state, now)
    answer = verdict(state, now)
    state, pushes = pushing.due(state, answer, now)
    state, said = _say_verdict(state, answer)
    return state, (*pushes, *effects, *more, *said)


def next_due(state: State) -> float | None:
    """When `Tick` has something to do (monotonic seconds)."""
    times = [state.proxy.due, state.keepalived.due, guard.next_due(state)]
    if leaving(state):
        times += [pausing.next_due(state), parting.next_due(state), stopping.next_due(state), draining.next_due(state)]
    if not state.stopping:
        times += [probing.next_due(state), blind.next_due(state), cutting.next_due(state), mending.next_due(state)]
    if state.keepalived_is_unit:
        times.append(state.keepalived_look_due)
    return min([t for t in times if t is not None], default=None)


def _happen(state: State, event: Event, now: Now) -> Step:
    """Event by event; those that come many times a second first."""
    match event:
        case AdvertsHeard():
            return _heard(state, event, now)
        case ProbeDone():
            return _mark(probing.probed(state, event.result, now), event)
        case Tick():
            return state, ()
        case ProxySeen():
            return cutting.seen(probing.seen(state, event.view, now), event.view, now.mono), ()
        case KeepalivedLooked():
            return hung.looked(state, event, now)
        case Spawned():
            return _spawned(state, event, now)
        case SpawnFailed():
            return _died(state, event.program, event.reason, event.jitter, now)
        case Exited():
            same = _child(state, event.program).pid == event.pid
            return _exited(state, event, now) if same else (state, ())
        case ProxySilent():
            return probing.silent(state, now, ours=event.ours), ()
        case TakenUp():
            return replace(state, taken_up=True), ()
        case ProxyMute():
            return replace(state, mute=event.why), ()
        case DoorSeen():
            return pausing.seen(state, event, now), ()
        case AddressChanged():
            state, effects = holding.changed(state, event, now)
            return probing.align(state, now), effects
        case AddressesDumped():
            state, effects = holding.dumped(state, event, now)
            return probing.align(state, now), effects
        case ConnectionsEnded():
            return parting.ended(state, event, now)
        case KeepalivedSeen():
            return _keepalived_seen(state, event)
        case PushFailed():
            return pushing.failed(state, event.name, now.mono + pushing.AGAIN), ()
        case PushLost():
            return pushing.failed(state, event.name, now.mono), ()
        case ConfigApplied():
            return _applied(state, event, now)
        case ConfigRejected():
            said = Say(LogLevel.ERROR, "config.rejected", {"problems": list(event.problems)})
            return replace(state, rejected=Rejected(now.wall, event.problems)), (said,)
        case UpgradeFailed():
            said = Say(LogLevel.ERROR, "halbd.upgrade_failed", {"why": event.why})
            return replace(state, upgrade_failed=event.why), (said,)
        case HistoryKept():
            return replace(state, unwritten=event.unwritten, unwritten_why=event.why), ()
        case FilesMended():
            return mending.mended(state, event, now)
        case StopRequested():
            return replace(state, stopping=state.stopping or Stopping(now)), hung.before_a_stop(state)
        case DrainRequested():
            return draining.drain(state, event, now)
        case UndrainRequested():
            return draining.undrain(state, now)


def _heard(state: State, event: AdvertsHeard, now: Now) -> Step:
    """Who speaks for a VIP, and who does not, is judged when the wire has been read."""
    state, effects = rivals.due(guard.heard(state, event), now)
    state, more = unclaimed.due(state, now)
    return state, effects + more


def _applied(state: State, event: ConfigApplied, now: Now) -> Step:
    """A VIP that is new may already be here, and one that is no longer ours is nobody's to report."""
    state = holding.applied(state, event.config)
    applied = replace(state, applied=now, rejected=None, mended=None, marked=False)
    why = "found when the config was applied" if state.applied else "found when halbd started"
    return probing.align(applied, now), (WriteLook(), DumpAddresses(why))


def _mark(state: State, event: ProbeDone) -> Step:
    """The first good answer under a generation makes it one to fall back to, once the proxy has all of it.

    The question must have been asked under it too.
    """
    if event.result.ours:
        return state, (Say(LogLevel.ERROR, "probe.not_asked", {"name": event.result.name, "why": event.result.error}),)
    early = state.applied is not None and event.result.at.mono - event.result.latency < state.applied.mono
    if state.marked or early or not (event.result.ok and state.taken_up):
        return state, ()
    return replace(state, marked=True), (MarkGood(),)


def _keepalived_seen(state: State, event: KeepalivedSeen) -> Step:
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


def _due(state: State, now: Now) -> Step:
    """Everything that has become due, whatever woke us."""
    state, effects = _tick_children(state, now)
    if leaving(state):
        for advance in (pausing.due, parting.advance, stopping.advance, draining.advance):
            state, more = advance(state, now)
            effects += more
    state = blind.lower(state, now.mono)
    state, more = _watch_keepalived(state, now)
    effects += more
    if not state.stopping:
        state, questions = probing.ask(state, now)
        state, cuts = cutting.due(state, now.mono)
        state, looks = mending.due(state, now)
        effects += questions + cuts + looks
    if state.keepalived_is_unit and now.mono >= state.keepalived_look_due:
        state = replace(state, keepalived_look_due=now.mono + KEEPALIVED_INTERVAL)
        effects += (LookAtKeepalived(),)
    return state, effects


def _watch_keepalived(state: State, now: Now) -> Step:
    """What is wrong with it comes before what is wrong with a VIP: one that is alive would put back what is removed."""
    mended, addresses = guard.due(state, now)
    mended, cures = hung.due(mended, now)
    return mended, (*cures, *addresses)


def _tick_children(state: State, now: Now) -> Step:
    """Both children are to run at all times, until halbd itself is stopped."""
    proxy, effects = _tick_child(state, state.proxy, Program.PROXY, now)
    keepalived = state.keepalived
    if state.keepalived_is_child:
        keepalived, more = _tick_child(state, keepalived, Program.KEEPALIVED, now)
        effects += more
    if (proxy, keepalived) != (state.proxy, state.keepalived):
        state = replace(state, proxy=proxy, keepalived=keepalived)
    return state, effects


def _tick_child(state: State, child: Child, program: Program, now: Now) -> tuple[Child, tuple[Effect, ...]]:
    if child.phase is Phase.STOPPED and not state.stopping:
        return life.start(child, program, now)
    return life.tick(child, program, now)


def _spawned(state: State, event: Spawned, now: Now) -> Step:
    child, effects = life.spawned(_child(state, event.program), event.program, event.pid, event.start_ticks, now)
    state = _with_child(state, event.program, child)
    word = "adopted" if event.adopted else "started"
    said = Say(LogLevel.INFO, f"{event.program}.{word}", {"pid": event.pid, "restarts": child.restarts})
    if event.program is Program.PROXY:
        state = probing.fresh(state, now, adopted=event.adopted)
        state = replace(state, taken_up=event.adopted and not event.behind, kept_out=None)
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


def _say_verdict(state: State, answer: Verdict) -> Step:
    """One line when the answer, or what speaks against this node, is not what was last said."""
    gist = (answer.ok, tuple([reason.cause for reason in answer.reasons]))
    if gist == state.said:
        return state, ()
    reasons = [f"{reason.cause}: {reason.detail}" for reason in answer.reasons]
    level = LogLevel.INFO if answer.healthy else LogLevel.WARNING
    fields = {"may_hold_vip": answer.ok, "stale": answer.stale, "reasons": reasons}
    return replace(state, said=gist), (Say(level, "verdict.changed", fields),)


def _child(state: State, program: Program) -> Child:
    return state.proxy if program is Program.PROXY else state.keepalived


def _with_child(state: State, program: Program, child: Child) -> State:
    return replace(state, proxy=child) if program is Program.PROXY else replace(state, keepalived=child)
