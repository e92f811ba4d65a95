"""What an answer, or its absence, changes: rise and fall, blame, sight of the servers."""

from __future__ import annotations

from halbd.decide.streak import observe
from halbd.decide.targets import all_targets, local_targets
from halbd.decide.timing import patience
from halbd.decide.verdict import active_targets, hung, served
from halbd.model.config import Address, Config
from halbd.model.effects import Effect, LookAtProxy, Probe
from halbd.model.evidence import Now, ProbeResult, ProxyView, Streak, Target
from halbd.model.replacing import replace
from halbd.model.state import Bar, Changing, Series, State

WARM_UP = 0.1
"""Seconds that a proxy is given to open its ports before the first question."""
EXCUSED = 30.0
"""Seconds for which a change of config excuses a refusal at the most: the checkers, and the start of another Envoy."""
LATE = 0.5
"""Seconds beyond its time-out after which an answer tells of the past, or of nothing: halbd itself had been stopped."""
BARRED = 60.0
"""Seconds that this node leaves alone a VIP it could not serve: the evidence goes with the VIP, the fault may not.
Twice as long each time in a row."""
LONGEST_BAR = 600.0
"""Seconds of such a bar at the most: both nodes may be barred, by the same mistake, and nobody holds the VIP then."""
FORGIVEN = 3600.0
"""Seconds after which a VIP that was served since starts anew."""


def fresh(state: State, now: Now, *, adopted: bool, handed_over: bool) -> State:
    """Forget what was seen of an earlier proxy; one that replaced a dead one must prove itself `rise` times.

    At a hand-over the service goes on: what was well is so until it fails as often as it may.
    """
    first = Streak() if adopted or state.proxy.restarts == 0 else Streak(up=False)
    due = now.mono + (0 if adopted else WARM_UP)
    local = local_targets(served(state))
    series = {t.name: Series(due, first, begun=now.mono, blamed=first.up is False) for t in local}
    held = {t.name: Series(due, Streak(up=True), begun=now.mono) for t in active_targets(state) if t.vip}
    well = {name: replace(one, due=due) for name, one in state.series.items() if handed_over and one.streak.up}
    admin = Series(due, begun=now.mono)
    return replace(
        state,
        series=series | held | well,
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
    """Follow the targets: a VIP that came is asked through, one that went is forgotten.

    What is another question now is asked at once, and was well if it was before, for as long as an answer may take.
    """
    targets = active_targets(state)
    new = {t.name: Series(now.mono, Streak(up=True) if t.vip else Streak(), begun=now.mono) for t in targets}
    series = {t.name: _carried(state.series.get(t.name, new[t.name]), t, now) for t in targets}
    return replace(state, series=series) if series != state.series else state


def _carried(one: Series, target: Target, now: Now) -> Series:
    if one.last is None or one.last.target == target:
        return one
    streak = Streak(up=True) if one.streak.up else replace(one.streak, run=0)
    return replace(one, streak=streak, last=None, begun=now.mono, due=now.mono)


def taking_up(state: State, config: Config, now: Now) -> State:
    """Another config is on its way to the proxy; where one was already, either may be what the proxy is on."""
    before = state.changing.places if state.changing else _places(served(state))
    return replace(state, changing=Changing(before & _places(config), now.mono + EXCUSED))


def installed(state: State, config: Config, now: Now) -> State:
    """Its files are in force: whoever tells from now on that he serves what is there, serves that."""
    return replace(taking_up(state, config, now), installed=None if config == state.config else config)


def behind(state: State, now: Now) -> State:
    """The proxy was found on an earlier config, and nobody knows in which places."""
    return replace(state, changing=Changing(frozenset(), now.mono + EXCUSED))


def taken_up(state: State, now: Now) -> State:
    """The proxy serves what is in force: that is asked from now on, though keepalived may have to be told yet."""
    return align(replace(state, taken_up=True, serves=state.installed, changing=None), now)


def _places(config: Config) -> frozenset[tuple[Address, int]]:
    return frozenset((t.address, t.port) for t in all_targets(config))


def probed(state: State, result: ProbeResult, now: Now) -> State:
    """Count one answer. While no server is up a failure says nothing about this node.

    Nor does any answer to a question of an earlier config, though the one of today has the same name; or a refusal
    in a place that the proxy may just have left.
    """
    target = result.target
    before = state.series.get(target.name)
    if before is None:
        return state
    if target not in active_targets(state):
        return _with(state, target, replace(before, asking=False, due=now.mono))
    late = result.latency > target.timeout + LATE
    left = not result.connected and _may_be_left(state, target, now)
    if result.ours or late or (left and before.streak.up is None):
        return _with(state, target, replace(before, asking=False))
    if left or (not result.ok and state.view and target.frontend in state.view.blind):
        return _with(state, target, replace(before, last=result, asking=False))
    health = state.config.health
    streak = observe(before.streak, ok=result.ok, rise=health.rise, fall=health.fall, now=result.at.mono)
    blamed = streak.up is False and (before.blamed or (not result.ok and not _excused(state, streak, result)))
    after = replace(before, streak=streak, last=result, asking=False, blamed=blamed)
    proven = state.proven or streak.up is True
    state = _blame_hang(_with(replace(state, proven=proven), target, after))
    return _bar(state, target.vip, now) if blamed and target.vip else state


def _may_be_left(state: State, target: Target, now: Now) -> bool:
    change = state.changing
    return change is not None and now.mono < change.until and (target.address, target.port) not in change.places


def _with(state: State, target: Target, series: Series) -> State:
    return replace(state, series={**state.series, target.name: series})


def _blame_hang(state: State) -> State:
    """A proxy that hung must answer `rise` times before it counts again, from its first answer on."""
    if not hung(state):
        return state
    local = {t.name: state.series[t.name] for t in local_targets(served(state)) if t.name in state.series}
    blamed = {n: replace(one, streak=replace(one.streak, up=False, run=0), blamed=True) for n, one in local.items()}
    return replace(state, series={**state.series, **blamed})


def _bar(state: State, vip: Address, now: Now) -> State:
    """Leave a VIP alone for a while that was seen to go unserved here."""
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
