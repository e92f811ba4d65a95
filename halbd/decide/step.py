"""The owner's one function: what happened, what halbd then knows, and what it does."""

from __future__ import annotations

from halbd.decide import (
    blind,
    children,
    cutting,
    draining,
    guard,
    holding,
    hung,
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
from halbd.decide.verdict import active_targets, verdict
from halbd.model.config import LogLevel
from halbd.model.effects import (
    DumpAddresses,
    Effect,
    LookAtKeepalived,
    MarkGood,
    Say,
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
    Installed,
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
    TakingUp,
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
    times = [state.proxy.due, state.keepalived.due, guard.next_due(state), pushing.next_due(state)]
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
        case Spawned() | SpawnFailed() | Exited():
            return children.happened(state, event, now)
        case ProxySilent():
            return probing.silent(state, now, ours=event.ours), ()
        case TakingUp() | Installed() | TakenUp():
            return _changing(state, event, now)
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
            return children.seen(state, event)
        case PushFailed():
            return pushing.failed(state, event.name, now.mono + pushing.AGAIN), ()
        case PushLost():
            return pushing.failed(state, event.name, now.mono), ()
        case ConfigApplied():
            return _applied(state, event, now)
        case ConfigRejected():
            return _rejected(state, event, now)
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
            return draining.undrain(probing.lifted(state, now), now)


def _heard(state: State, event: AdvertsHeard, now: Now) -> Step:
    """Who speaks for a VIP, and who does not, is judged when the wire has been read."""
    state, effects = rivals.due(guard.heard(state, event), now)
    state, more = unclaimed.due(state, now)
    return state, effects + more


def _applied(state: State, event: ConfigApplied, now: Now) -> Step:
    """A VIP that is new may already be here, and one that is no longer ours leaves."""
    state, effects = holding.applied(state, event.config, now)
    why = "found when the config was applied" if state.applied else "found when halbd started"
    state = replace(state, installed=None, serves=None, applied=now, rejected=None, mended=None, marked=False)
    look = () if state.changing else (WriteLook(),)
    return probing.align(probing.lifted(state, now), now), (*effects, *look, DumpAddresses(why))


def _changing(state: State, event: TakingUp | Installed | TakenUp, now: Now) -> Step:
    """On the way to another config, step by step."""
    match event:
        case TakingUp():
            return probing.taking_up(state, event.config, now), ()
        case Installed():
            return probing.installed(state, event.config, now), ()
        case TakenUp():
            return probing.taken_up(state, now), (WriteLook(),)


def _rejected(state: State, event: ConfigRejected, now: Now) -> Step:
    """What was on its way is not coming; a proxy that was found behind still is."""
    said = Say(LogLevel.ERROR, "config.rejected", {"problems": list(event.problems)})
    over = None if state.taken_up else state.changing
    return replace(state, rejected=Rejected(now.wall, event.problems), installed=None, changing=over), (said,)


def _mark(state: State, event: ProbeDone) -> Step:
    """The first good answer under a generation makes it one to fall back to, once the proxy has all of it.

    The question must have been asked under it too.
    """
    result = event.result
    if result.ours:
        return state, (Say(LogLevel.ERROR, "probe.not_asked", {"name": result.target.name, "why": result.error}),)
    early = state.applied is not None and result.at.mono - result.latency < state.applied.mono
    if state.marked or early or not (result.ok and state.taken_up and result.target in active_targets(state)):
        return state, ()
    return replace(state, marked=True), (MarkGood(),)


def _due(state: State, now: Now) -> Step:
    """Everything that has become due, whatever woke us."""
    state, effects = children.tick(state, now)
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


def _say_verdict(state: State, answer: Verdict) -> Step:
    """One line when the answer, or what speaks against this node, is not what was last said."""
    gist = (answer.ok, tuple([reason.cause for reason in answer.reasons]))
    if gist == state.said:
        return state, ()
    reasons = [f"{reason.cause}: {reason.detail}" for reason in answer.reasons]
    level = LogLevel.INFO if answer.healthy else LogLevel.WARNING
    fields = {"may_hold_vip": answer.ok, "stale": answer.stale, "reasons": reasons}
    return replace(state, said=gist), (Say(level, "verdict.changed", fields),)
