"""What an answer, or its absence, changes: rise and fall, blame, sight of the servers."""

from __future__ import annotations

from halbd.decide.streak import observe
from halbd.decide.targets import local_targets
from halbd.decide.timing import patience
from halbd.decide.verdict import active_targets, hung
from halbd.model.effects import Effect, LookAtProxy, Probe
from halbd.model.evidence import Now, ProbeResult, ProxyView, Streak
from halbd.model.replacing import replace
from halbd.model.state import Bar, Series, State

WARM_UP = 0.1
"""Seconds that a proxy is given to open its ports before the first question."""
LATE = 0.5
"""Seconds beyond its time-out after which an answer tells of the past, or of nothing: halbd itself had been stopped."""
BARRED = 60.0
"""Seconds that this node leaves alone a VIP it could not serve: the evidence goes with the VIP, the fault may not.
Twice as long each time in a row."""
LONGEST_BAR = 600.0
"""Seconds of such a bar at the most: both nodes may be barred, by the same mistake, and nobody holds the VIP then."""
FORGIVEN = 3600.0
"""Seconds after which a VIP that was served since starts anew."""


def fresh(state: State, now: Now, *, adopted: bool) -> State:
    """Forget what was seen of an earlier proxy; one that replaced a dead one must prove itself `rise` times."""
    first = Streak() if adopted or state.proxy.restarts == 0 else Streak(up=False)
    due = now.mono + (0 if adopted else WARM_UP)
    series = {t.name: Series(due, first, begun=now.mono, blamed=first.up is False) for t in local_targets(state.config)}
    held = {t.name: Series(due, Streak(up=True), begun=now.mono) for t in active_targets(state) if t.vip}
    admin = Series(due, begun=now.mono)
    return replace(
        state,
        series=series | held,
        admin=admin,
        view=None,
        mute="",
        proven=adopted,
        blind_since=None,
        sight_since=None,
        down={},
        cut=frozenset(),
    )


def align(state: State, now: Now) -> State:
    """Follow the targets: a VIP that came is asked through, one that went is forgotten."""
    names = {t.name: Streak(up=True) if t.vip else Streak() for t in active_targets(state)}
    kept = {name: series for name, series in state.series.items() if name in names}
    new = {name: Series(now.mono, streak, begun=now.mono) for name, streak in names.items() if name not in kept}
    return replace(state, series=kept | new) if new or len(kept) < len(state.series) else state


def probed(state: State, result: ProbeResult, now: Now) -> State:
    """Count one answer. While no server is up a failure says nothing about this node."""
    before = state.series.get(result.name)
    if before is None:
        return state
    if result.ours or result.latency > state.config.health.timeout + LATE:
        return replace(state, series={**state.series, result.name: replace(before, asking=False)})
    if not result.ok and _blind(state, result.name):
        heard = replace(before, last=result, asking=False)
        return replace(state, series={**state.series, result.name: heard})
    health = state.config.health
    streak = observe(before.streak, ok=result.ok, rise=health.rise, fall=health.fall, now=result.at.mono)
    blamed = streak.up is False and (before.blamed or (not result.ok and not _excused(state, streak, result)))
    after = replace(before, streak=streak, last=result, asking=False, blamed=blamed)
    proven = state.proven or streak.up is True
    state = _blame_hang(replace(state, proven=proven, series={**state.series, result.name: after}))
    return _bar(state, result.name, now) if blamed else state


def _blame_hang(state: State) -> State:
    """A proxy that hung must answer `rise` times before it counts again, from its first answer on."""
    if not hung(state):
        return state
    local = {t.name: state.series[t.name] for t in local_targets(state.config) if t.name in state.series}
    blamed = {n: replace(one, streak=replace(one.streak, up=False, run=0), blamed=True) for n, one in local.items()}
    return replace(state, series={**state.series, **blamed})


def _bar(state: State, name: str, now: Now) -> State:
    """Leave a VIP alone for a while that was seen to go unserved here."""
    vip = next((t.vip for t in active_targets(state) if t.name == name), None)
    if vip is None:
        return state
    before = state.barred.get(vip)
    if before and now.mono < before.until:
        return state
    count = before.count + 1 if before and now.mono < before.until + FORGIVEN else 0
    bar = Bar(now, now.mono + min(LONGEST_BAR, BARRED * 2.0**count), count)
    return replace(state, barred={**state.barred, vip: bar})


def lifted(state: State, now: Now) -> State:
    """Somebody may have cured the cause: try again now. A VIP that goes unserved again is left alone for longer."""
    ours = {vip.address for vip in state.config.vips}
    bars = {a: Bar(b.since, min(b.until, now.mono), b.count) for a, b in state.barred.items() if a in ours}
    return replace(state, barred=bars) if state.barred else state


def _blind(state: State, name: str) -> bool:
    """The proxy sees no server behind the frontend that this question was for."""
    blind = state.view.blind if state.view else ()
    return any(t.name == name and t.frontend in blind for t in active_targets(state))


def _excused(state: State, streak: Streak, result: ProbeResult) -> bool:
    """A known good proxy may still be about to drop a dead server, and until then some probes end on that server.

    A connection that the proxy itself did not accept is never the servers' doing.
    """
    began = streak.failing_since if streak.failing_since is not None else result.at.mono
    until = max(began, state.sight_since or 0) + patience(state.config)
    return state.proven and result.connected and result.at.mono < until


def seen(state: State, view: ProxyView, now: Now) -> State:
    """The admin socket answered: note whether the proxy sees a server behind every frontend."""
    state = replace(state, view=view, mute="", admin=_admin(state, ok=True, now=now))
    blind = view.blind
    if blind and not state.blind_since:
        return replace(state, blind_since=now, proven=True, series=_neutral(state, view))
    if not blind and state.blind_since:
        return replace(state, blind_since=None, sight_since=now.mono)
    return state


def silent(state: State, now: Now, *, ours: bool = False) -> State:
    """The admin socket gave no answer; or could not be asked, which is no evidence."""
    if ours:
        return replace(state, admin=replace(state.admin, asking=False))
    return _blame_hang(replace(state, admin=_admin(state, ok=False, now=now)))


def ask(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """Ask everything that is due and not being asked: one question in flight for each target."""
    due = [name for name, one in state.series.items() if now.mono >= one.due and not one.asking]
    look = now.mono >= state.admin.due and not state.admin.asking and state.proxy.running
    if not due and not look:
        return state, ()
    targets = [target for target in active_targets(state) if target.name in due]
    interval = state.config.health.interval
    asked = {target.name: _asked(state.series[target.name], interval, now) for target in targets}
    admin = _asked(state.admin, interval, now) if look else state.admin
    probes = tuple(Probe(target) for target in targets)
    return replace(state, series={**state.series, **asked}, admin=admin), (*probes, LookAtProxy()) if look else probes


def next_due(state: State) -> float | None:
    """When the next question is due (monotonic seconds)."""
    waiting = [one.due for one in state.series.values() if not one.asking]
    if not state.admin.asking and state.proxy.running:
        waiting.append(state.admin.due)
    return min(waiting, default=None)


def _asked(one: Series, interval: float, now: Now) -> Series:
    """Keep the beat: the next question is one interval after this one was due; after now, where the beat was lost."""
    on_beat = one.due + interval
    return replace(one, asking=True, due=on_beat if on_beat > now.mono else now.mono + interval)


def _admin(state: State, *, ok: bool, now: Now) -> Series:
    streak = observe(state.admin.streak, ok=ok, rise=1, fall=state.config.health.fall, now=now.mono)
    return replace(state.admin, streak=streak, asking=False)


def _neutral(state: State, view: ProxyView) -> dict[str, Series]:
    """With no server up behind a frontend, what failed there was not this node: take the blame back."""
    names = {target.name for target in active_targets(state) if target.frontend in view.blind}
    return {name: replace(one, blamed=False) if name in names else one for name, one in state.series.items()}
