"""May this node hold the VIP? Decided at the moment of asking, from evidence with an age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from halbd.decide import life
from halbd.decide.targets import all_targets, local_targets
from halbd.model.child import Child, Phase
from halbd.model.config import Config, OnNoServers, Scheme
from halbd.model.evidence import Now, Target
from halbd.model.state import KeptOut, Series, State
from halbd.model.verdict import Cause, Reason, Verdict


def verdict(state: State, now: Now) -> Verdict:
    """The contract's table, top to bottom; a cause that explains the ones below it is given alone."""
    targets = active_targets(state)
    reasons = tuple(_reasons(state, targets, now))
    stale = _stale(state, targets, now)
    return Verdict(reasons, stale and not any(r.fails for r in reasons))


def longest_age(state: State) -> float:
    """Seconds after which an answer counts as missing."""
    return 3 * state.config.health.interval + state.config.health.timeout


def served(state: State) -> Config:
    """What the proxy serves: in a change it has taken that up before keepalived, and so the node, has."""
    return state.serves or state.config


def active_targets(state: State) -> tuple[Target, ...]:
    """What should be asked now."""
    config = served(state)
    if not state.held:
        return local_targets(config)
    if len(state.held) == len(state.config.vips) and not state.serves:
        return all_targets(config)
    return tuple([t for t in all_targets(config) if t.vip is None or t.vip in state.held])


def _reasons(state: State, targets: tuple[Target, ...], now: Now) -> Iterator[Reason]:
    if state.stopping and state.stopping.faulted is not None:
        yield Reason(Cause.MAINTENANCE, "halbd is being stopped", state.stopping.since.wall)
    elif state.maintenance and state.maintenance.withdrawn is not None:
        yield Reason(Cause.MAINTENANCE, "the operator has drained this node", state.maintenance.since)
    if state.proxy.phase is not Phase.RUNNING:
        if not _not_begun(state):
            yield _dead(state, now)
    elif hung(state):
        yield Reason(Cause.PROXY_HUNG, _hung_words(state), _since(state.admin, now))
    else:
        if state.kept_out:
            yield _kept_out(state.kept_out)
        if state.proxy.on_trial:
            yield _unstable(state.config, state.proxy, now)
        if state.blind_since:
            yield _no_servers(state, state.blind_since)
        yield from _unserved(state, targets, now)


def _not_begun(state: State) -> bool:
    """The first moments of a daemon: an earlier one's proxy may well be running, and is about to be taken up."""
    return state.proxy.last_exit is None and state.proxy.phase in (Phase.STOPPED, Phase.STARTING)


def _dead(state: State, now: Now) -> Reason:
    since = (state.proxy.changed or now).wall
    stopping = state.proxy.phase is Phase.STOPPING
    words = "it is being stopped" if stopping else state.proxy.last_exit or "it has not started yet"
    return Reason(Cause.PROXY_DEAD, f"{state.config.proxy.kind} does not run: {words}", since)


def hung(state: State) -> bool:
    """Neither a connection nor the admin socket gets an answer: the process is there and does nothing.

    A bare TCP connection is no evidence either way: the kernel accepts it for a process that is stopped.
    """
    if state.admin.streak.up is not False:
        return False
    local = [state.series.get(t.name) for t in local_targets(served(state)) if t.scheme is not Scheme.TCP]
    return all(one and _mute(state, one) for one in local)


def _mute(state: State, series: Series) -> bool:
    """No answer, `fall` times. While no server is up failures are not counted, so there the last one must tell.

    A proxy that has no server ends a connection at once; only one that hangs leaves it waiting.
    """
    last = series.last
    if last is None or last.status is not None:
        return False
    waited = last.latency > 0.9 * last.target.timeout
    return series.streak.up is False or (state.blind_since is not None and waited)


def _hung_words(state: State) -> str:
    return (
        f"{state.config.proxy.kind} (pid {state.proxy.pid}) runs, but answers neither a connection nor its admin socket"
    )


def _unstable(config: Config, proxy: Child, now: Now) -> Reason:
    """It fails nobody: where no other node can hold the VIP, it is better here than nowhere."""
    words = f"died {proxy.failures} times in a row, at last: {proxy.last_exit}"
    trial = f"the other nodes come first until it has run for {life.trial(proxy.failures):.0f} s"
    return Reason(
        Cause.PROXY_UNSTABLE, f"{config.proxy.kind} {words}; {trial}", (proxy.started or now).wall, fails=False
    )


def _kept_out(one: KeptOut) -> Reason:
    """A peer lets them in. The probes are no evidence here: they come through the loopback, which is never shut."""
    words = "an earlier halbd ended while new connections waited, and nobody has let them in yet"
    words = f"{words} (`systemctl restart halbd-helper`): {one.why}"
    return Reason(Cause.VIP_UNSERVED, words, one.since.wall)


def _no_servers(state: State, since: Now) -> Reason:
    blind = ", ".join(state.view.blind) if state.view else ""
    fails = state.config.health.on_no_servers is OnNoServers.FAIL
    return Reason(Cause.NO_SERVERS, f"{state.config.proxy.kind} sees no server up behind {blind}", since.wall, fails)


def _unserved(state: State, targets: tuple[Target, ...], now: Now) -> Iterator[Reason]:
    for target in targets:
        series = state.series.get(target.name)
        if series and series.blamed:
            cause = Cause.VIP_UNSERVED if target.vip else Cause.LOCAL_PROBE
            yield Reason(cause, f"{target.name}: {_words(series)}", _since(series, now))
    for address, bar in state.barred.items():
        held = state.held.get(address)
        if now.mono < bar.until and (held is None or held.since.mono > bar.since.mono):
            rest = f"{bar.until - bar.since.mono:.0f} s, or `halbctl undrain`"
            words = f"{address} went unserved here; tried again after {rest}"
            yield Reason(Cause.VIP_UNSERVED, words, bar.since.wall)


def _words(series: Series) -> str:
    if series.last is None:
        return "no answer yet"
    if series.last.ok:
        return f"answers again, {series.streak.run} times in a row so far"
    return series.last.error


def _since(series: Series, now: Now) -> datetime:
    failing = series.streak.failing_since
    return now.wall - timedelta(seconds=now.mono - failing if failing is not None else 0)


def _stale(state: State, targets: tuple[Target, ...], now: Now) -> bool:
    """Some answer is missing: never came, or came too long ago."""
    longest = longest_age(state)
    missing = [t for t in targets if _missing(state.series.get(t.name), longest, now)]
    return bool(missing) or _not_begun(state)


def _missing(series: Series | None, longest: float, now: Now) -> bool:
    if series is None:
        return True
    if series.last is None:
        return series.streak.up is None or now.mono - series.begun > longest
    return now.mono - series.last.at.mono > longest
