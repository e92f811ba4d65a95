"""What must hold at every moment, judged by the world's own truth and not by what `step` believes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from halbd.decide import life, wire
from halbd.decide.pushing import AGAIN
from halbd.decide.timing import patience
from halbd.decide.verdict import active_targets, longest_age, verdict
from halbd.model.child import Child, Phase, Program
from halbd.model.effects import Effect, Finish, Spawn
from halbd.model.events import (
    AdvertsHeard,
    ConfigRejected,
    ConnectionsEnded,
    Event,
    Exited,
    FilesMended,
    HistoryKept,
    KeepalivedLooked,
    KeepalivedSeen,
    ProbeDone,
    PushFailed,
    PushLost,
    Spawned,
    SpawnFailed,
    Tick,
    UpgradeFailed,
)
from halbd.model.evidence import Now
from halbd.model.state import State
from halbd.model.transition import Transition
from halbd.model.verdict import Cause, Verdict
from tests.sim.ends import Ends
from tests.sim.seen import Seen
from tests.sim.vrrp import SCRIPT_FALL, SCRIPT_INTERVAL

if TYPE_CHECKING:
    from tests.sim.daemon import Daemon
    from tests.sim.node import Node
    from tests.sim.world import World

TELL = 0.01
"""Seconds from a verdict that says no until keepalived has dropped the VIP."""
SHUT = 2
"""Intervals for which new connections may have to wait while a VIP moves; a second on top, for looking once in that."""
MENDED = 2.0
"""Seconds in which halbd itself removes what nobody else does."""
SCRIPT = (SCRIPT_FALL + 1) * SCRIPT_INTERVAL
"""Seconds until halbd-check has said no often enough, where the daemon does not tell."""
KNOWN = 0.5
"""Seconds after which the daemon knows the addresses that are here."""
ENDING = {Cause.VIP_UNSERVED, Cause.MAINTENANCE, Cause.PROXY_UNSTABLE}
"""What ends by the passing of time alone: a bar, a drain that has an end, a trial."""
NOT_OWN = {Cause.MAINTENANCE, Cause.NO_SERVERS}
"""What ends when the operator or the proxy says so."""
BEGINNING = {Cause.MAINTENANCE}
"""What begins by it: nobody else can take a VIP that was offered for long enough."""
NO_EVIDENCE = (
    Tick,
    AdvertsHeard,
    KeepalivedLooked,
    KeepalivedSeen,
    HistoryKept,
    FilesMended,
    ConnectionsEnded,
    PushFailed,
    PushLost,
    ConfigRejected,
    UpgradeFailed,
)
"""Events that say nothing of this node's proxy, of a VIP that is here, or of what the operator wants."""


class BrokenError(AssertionError):
    """Something that must hold does not."""


class Watch:
    """Counts what happens, and raises BrokenError."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.steps = 0
        self.splitting = 0
        self._ends = Ends(self)
        self.disturbed: dict[str, float] = {}
        self._bad: dict[str, float] = {}
        self._moved: dict[str, float] = {}
        self._odd: dict[str, float] = {}

    def disturb(self, node: Node) -> None:
        """A fault begins or ends there: what takes time begins anew."""
        self.disturbed[node.name] = self.world.clock.now
        self._odd.clear()

    def stepped(self, node: Node, daemon: Daemon, event: Event, effects: tuple[Effect, ...], now: Now) -> None:
        """After every event that a daemon took."""
        self.steps += 1
        seen, state, mono = daemon.seen, daemon.state, now.mono
        answer = verdict(state, now)
        if isinstance(event, NO_EVIDENCE):
            self._without_evidence(node, seen, state, answer)
        else:
            self._learn(node, daemon, event)
        self._two_of_one(node, seen, effects, mono)
        self._flaps(node, seen, state, answer, mono)
        self._backoff(node, state.proxy, mono)
        self._backoff(node, state.keepalived, mono)
        self._fresh(node, daemon, answer)
        seen.no = (mono if seen.no is None else seen.no) if answer.failed else None
        seen.verdict = answer
        self._holding(node)
        if effects and Finish() in effects:
            self._ends.finished(node, seen)

    def asked(self, node: Node, answer: Verdict | None) -> None:
        """Halbd-check asks, between two events."""
        if node.daemon and answer:
            self._fresh(node, node.daemon, answer)
            self._knows(node, node.daemon)
        self._holding(node)
        shut = node.proxy is not None and node.proxy.shut and node.keeps
        self._for(f"new connections wait at {node.name}", shut, SHUT * node.config.vrrp.advert_int + 1)
        for vip in node.config.vips:
            entitled = [one for one in self.world.nodes if one.keepalived and one.keepalived.entitled]
            holders = self.world.holders(vip.address)
            two = len(holders) > 1 and not self.splitting and all(one.keeps for one in holders)
            fought = [one for one in holders if vip.address in one.added]
            self._for(f"two hold {vip}", two, wire.patience(node.config) + 1 + max(map(_rest, fought), default=0))
            right = len(holders) == 1 and holders[0].keeps and not self.splitting
            astray = vip.address in node.strays and node.keeps and right
            self._for(f"{vip} astray at {node.name}", astray, wire.patience(node.config) + 1 + _rest(node))
            none = not holders and bool(entitled) and not self.splitting
            self._for(f"nobody holds {vip}", none, 8 * node.config.vrrp.advert_int + 1)

    def sleeps(self, node: Node, due: float | None) -> None:
        """The loop waits: there must be something to wait for."""
        if due is not None and due <= self.world.clock.now:
            self.broken(node, f"awake for nothing: due {due}")

    def recorded(self, node: Node, one: Transition) -> None:
        """A line of the history."""
        self.counts["transitions"] += 1
        if node.history.get((one.vip, one.interface), False) == one.gained:
            self.broken(node, f"history says twice that {one.vip} {'came' if one.gained else 'went'}")

    def moved(self, node: Node) -> None:
        """An address came or went."""
        self._moved[node.name] = self.world.clock.now

    def _learn(self, node: Node, daemon: Daemon, event: Event) -> None:
        seen, mono = daemon.seen, daemon.clock.now
        match event:
            case Spawned():
                if event.program is Program.PROXY and seen.told.get(event.program) != event.pid:
                    seen.answered.clear()
                    seen.since = mono
                seen.told[event.program] = event.pid
                seen.spawning.discard(event.program)
            case SpawnFailed():
                seen.spawning.discard(event.program)
            case Exited():
                if seen.told.get(event.program) == event.pid:
                    del seen.told[event.program]
            case ProbeDone():
                asked = event.result.at.mono - event.result.latency
                if asked >= seen.since:
                    seen.answered[event.result.target.name] = min(mono, asked + daemon.state.config.health.timeout)
            case _:
                self._ends.learn(node, daemon, event)

    def _two_of_one(self, node: Node, seen: Seen, effects: tuple[Effect, ...], mono: float) -> None:
        for effect in effects:
            if isinstance(effect, Spawn):
                if effect.program in seen.told or effect.program in seen.spawning:
                    self.broken(node, f"a second {effect.program}")
                if mono - seen.asked.get(effect.program, 0) < life.delay(0, 1):
                    self.broken(node, f"{effect.program} started again without a rest")
                seen.spawning.add(effect.program)
                seen.asked[effect.program] = mono

    def _without_evidence(self, node: Node, seen: Seen, state: State, answer: Verdict) -> None:
        """Time alone makes evidence stale, and few other things."""
        before = seen.verdict
        if before is None or before == answer or state.stopping:
            return
        old, new = ({reason.cause for reason in one.reasons} for one in (before, answer))
        if new - old - BEGINNING or old - new - ENDING or (before.stale and answer.ok and old == new):
            self.broken(node, f"the verdict changed without evidence: {before} to {answer}")

    def _flaps(self, node: Node, seen: Seen, state: State, answer: Verdict, mono: float) -> None:
        """What this node itself was found unfit for is given back after `rise` good answers, which take their time.

        But for a bar that a change of config or an undrain has lifted at this moment.
        """
        before = seen.unfit
        if [reason for reason in answer.reasons if reason.fails and reason.cause not in NOT_OWN]:
            seen.unfit = mono if before is None else before
        elif before is not None:
            seen.unfit, health = None, state.config.health
            lifted = any(bar.until == mono for bar in state.barred.values())
            if mono - before < (health.rise - 1) * health.interval * 0.9 and not (state.blind_since or lifted):
                self.broken(node, f"yes again {mono - before:.3f} s after no")

    def _backoff(self, node: Node, child: Child, mono: float) -> None:
        if child.phase is Phase.BACKOFF and not mono < (child.due or 0) <= mono + life.LONGEST_DELAY:
            self.broken(node, f"a rest until {child.due}")

    def _fresh(self, node: Node, daemon: Daemon, answer: Verdict) -> None:
        """Never yes on stale evidence, nor on what was seen of another process."""
        if not answer.ok:
            return
        state, seen, mono = daemon.state, daemon.seen, daemon.clock.now
        if Program.PROXY not in seen.told:
            self.broken(node, "yes with a proxy that is dead")
        longest = longest_age(state) + 0.001
        for target in active_targets(state):
            last = seen.answered.get(target.name, 0.0)
            if mono - last > longest and target.vip:  # one that came is given the time of its first answer
                last = max(last, state.held[target.vip].since.mono, seen.since)
            if mono - last > longest:
                self.broken(node, f"yes, {mono - last:.3f} s after the last answer of {target.name}")

    def _knows(self, node: Node, daemon: Daemon) -> None:
        """The daemon's idea of what it holds is the truth."""
        mono = daemon.clock.now
        quiet = mono - max(self._moved.get(node.name, 0), self.disturbed.get(node.name, 0)) > KNOWN
        state = daemon.state
        believed = {(address, one.interface) for address, one in state.held.items()} | set(state.strays)
        if quiet and believed != node.places:
            self.broken(node, f"believes to hold {believed}, holds {node.places}")

    def _holding(self, node: Node) -> None:
        """A node with a fault of its own does not hold a VIP for longer than it takes to tell keepalived."""
        mono, config = self.world.clock.now, node.config
        serves = node.proxy is not None and node.proxy.serves
        if serves:
            self._bad.pop(node.name, None)
        bad = None if serves else self._bad.setdefault(node.name, mono)
        keepalived, daemon = node.keepalived, node.daemon
        if not node.addresses or (keepalived and keepalived.frozen):
            return
        no = daemon.seen.no if daemon and daemon.alive and not daemon.frozen else None
        if no is None and bad is None:
            return
        calm = max(self.disturbed.get(node.name, 0), self._moved.get(node.name, 0))
        own = keepalived is not None and not node.added
        writes = not node.cannot_write and mono - node.writes_since > AGAIN + TELL
        if no is not None and writes and mono - max(no, calm) > (TELL if own else MENDED + _rest(node)):
            self.broken(node, f"holds the VIP {mono - no:.3f} s after its verdict said no")
        if bad is None or not own:
            return
        limit = SCRIPT + 2 + (patience(config) if node.proxy and node.proxy.wrong else 0)
        if mono - max(bad, calm) > limit:
            self.broken(node, f"holds the VIP {mono - bad:.3f} s after its proxy stopped serving")

    def _for(self, what: str, holds: bool, longest: float) -> None:
        """Something may be so for a while."""
        if not holds:
            self._odd.pop(what, None)
        elif self.world.clock.now - self._odd.setdefault(what, self.world.clock.now) > longest:
            raise BrokenError(f"{self.world.clock.now:.4f}: {what} for {longest:g} s")

    def broken(self, node: Node, what: str) -> None:
        """Raises BrokenError."""
        raise BrokenError(f"{self.world.clock.now:.4f} {node.name}: {what}")


def _rest(node: Node) -> float:
    """Seconds that a daemon rests when what it mends is undone again and again."""
    mended = node.daemon.state.guard.mended.values() if node.daemon else ()
    return max((2.0 ** (one.count - 1) for one in mended), default=0)
