"""From what a client and netlink saw to numbers. Pure: every time is CLOCK_MONOTONIC, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

SLOW = 0.5  # seconds; a kubectl user notices this long before any timeout does
EARLY = 0.1  # seconds by which a client may seem to know of a loss before the monitor of it does, on a busy machine


@dataclass(frozen=True, slots=True)
class Attempt:
    """One new connection to a VIP, from the first SYN to the whole answer. `error` is "" when it succeeded."""

    vip: str
    start: float
    end: float
    error: str = ""

    @property
    def ok(self) -> bool:
        """An answer with the expected status came."""
        return not self.error

    @property
    def slow(self) -> bool:
        """It succeeded, too late to be called service."""
        return self.ok and self.end - self.start > SLOW

    @property
    def bad(self) -> bool:
        """Failed or slow: what an outage is made of."""
        return not self.ok or self.slow


@dataclass(frozen=True, slots=True)
class Change:
    """A VIP's address came onto (`gained`) or left a node's interface, as netlink told it."""

    at: float
    node: str
    vip: str
    gained: bool
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A long watch ended: `how` is "reset" (the client knew at once) or "silent" (it had to give up waiting)."""

    at: float
    vip: str
    how: str


@dataclass(frozen=True, slots=True)
class Spans:
    """One fault's times: begun and in effect (`struck`), its cure begun (`healing`) and in effect (`healed`)."""

    injected: float
    struck: float
    healing: float
    healed: float
    ended: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to `end` the VIP was held by exactly `nodes`."""

    start: float
    end: float
    nodes: tuple[str, ...]

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was recorded around one fault. `before` is who held each VIP when it was injected."""

    victim: str
    spans: Spans
    before: tuple[tuple[str, tuple[str, ...]], ...]
    attempts: tuple[Attempt, ...]
    changes: tuple[Change, ...]
    broken: tuple[Broken, ...]
    self_healing: bool = False

    @property
    def cured(self) -> float:
        """The moment from which the victim can be well again."""
        return self.spans.injected if self.self_healing else self.spans.healing


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one fault cost. Times in milliseconds; None: it did not happen. With several VIPs, the worst of them.

    outage_ms: start of the first bad attempt to start of the first of the later unbroken run of good ones.
    outage_heal_ms: the same for the time after the cure (the VIP's way back).
    failed, slow: attempts of the fault's own phase. failed_new: only those begun when it was in effect.
    failed_heal: those of the healing.
    moved_ms: injection until another node gained the VIP.
    back_ms: begin of the cure until the victim gained it again; from the injection where a fault heals itself.
    one_holder_ms: begin of the cure until one node held it for good; from the injection where a fault heals itself.
    served_ms: end of the cure until the first of the unbroken run of good attempts.
    transitions: gains and losses on all nodes.
    two_longest_ms: the longest time without a break in which two held it.
    gap_ms: the longest pause between two attempts: no outage is told finer than that.
    watches_ms: a VIP's leaving until the end of each watch that broke on it; None when one left and no watch broke.
    """

    attempts: int
    outage_ms: float
    outage_heal_ms: float
    failed: int
    failed_new: int
    failed_heal: int
    slow: int
    moved_ms: float | None
    back_ms: float | None
    two_holders_ms: float
    no_holder_ms: float
    one_holder_ms: float | None
    served_ms: float | None
    transitions: int
    watches_reset: int
    watches_silent: int
    gap_ms: float
    two_longest_ms: float
    watches_ms: float | None = None


def outage(attempts: Iterable[Attempt], since: float, until: float) -> float:
    """Seconds without service among the attempts begun in [since, until): first bad to first good after the last bad.

    `attempts` are one VIP's in order of start. What is still bad at `until` counts up to there.
    """
    bad = [attempt.start for attempt in attempts if attempt.bad and since <= attempt.start < until]
    if not bad:
        return 0.0
    resumed = next((a.start for a in attempts if a.start > bad[-1] and not a.bad), until)
    return min(resumed, until) - bad[0]


def served_from(attempts: Sequence[Attempt]) -> float | None:
    """The start of the unbroken run of good attempts that lasts to the end; None when the last one is bad."""
    start = None
    for attempt in reversed(attempts):
        if attempt.bad:
            break
        start = attempt.start
    return start


def gap(attempts: Sequence[Attempt]) -> float:
    """The longest pause in seconds between the starts of two attempts on one VIP."""
    return max((later.start - sooner.start for sooner, later in pairwise(attempts)), default=0.0)


def timeline(
    changes: Iterable[Change], vip: str, before: Iterable[str], since: float, until: float
) -> tuple[Stretch, ...]:
    """Who held `vip` over [since, until]: stretches without gaps, in order."""
    nodes, start, stretches = set(before), since, []
    for change in changes:
        if change.vip != vip or not since < change.at <= until:
            continue
        stretches.append(Stretch(start, change.at, tuple(sorted(nodes))))
        start = change.at
        nodes = nodes | {change.node} if change.gained else nodes - {change.node}
    stretches.append(Stretch(start, until, tuple(sorted(nodes))))
    return tuple(stretches)


def total(stretches: Iterable[Stretch], held: Callable[[int], bool]) -> float:
    """Seconds in which `held` is true of the number of holders."""
    return sum(stretch.length for stretch in stretches if held(len(stretch.nodes)))


def longest(stretches: Iterable[Stretch], held: Callable[[int], bool]) -> float:
    """Seconds of the longest time without a break in which `held` is true of the number of holders."""
    runs = groupby(stretches, lambda stretch: held(len(stretch.nodes)))
    return max((sum(stretch.length for stretch in run) for held_then, run in runs if held_then), default=0.0)


def settled(stretches: Sequence[Stretch], since: float) -> float | None:
    """Seconds from `since` until one node held the VIP and none other ever after; None when it never came to that."""
    start = None
    for stretch in reversed(stretches):
        if len(stretch.nodes) != 1:
            break
        start = stretch.start
    return None if start is None else max(0.0, start - since)


def gained(changes: Iterable[Change], vip: str, by: Callable[[str], bool], since: float) -> float | None:
    """When a node for which `by` holds first gained `vip` after `since`."""
    return next((c.at for c in changes if c.gained and c.vip == vip and c.at >= since and by(c.node)), None)


def _losses(seen: Seen, vip: str) -> list[float]:
    spans = seen.spans
    return [c.at for c in seen.changes if c.vip == vip and not c.gained and spans.injected <= c.at <= spans.ended]


def learned(seen: Seen, vip: str) -> float | None:
    """Seconds from `vip` leaving a node to the end of a watch on it, the longest; None when it left and none ended."""
    first, last = seen.spans.injected, seen.spans.ended
    left = _losses(seen, vip)
    broke = [b.at for b in seen.broken if b.vip == vip and first <= b.at <= last]
    if not left or not broke:
        return None
    return max(abs(at - max((one for one in left if one <= at + EARLY), default=left[0])) for at in broke)


def _worst(times: Iterable[float | None], since: float) -> float | None:
    """The latest of the times in ms after `since`; None when there are none, or one of them never came."""
    known = list(times)
    late = [time for time in known if time is not None]
    return _ms(max(0.0, max(late) - since)) if late and len(late) == len(known) else None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _moves(seen: Seen) -> dict[str, tuple[float | None, float | None]]:
    """For each VIP that the victim held: when the fault moved it to another node, and when the victim had it back."""
    moves = {}
    for vip, nodes in seen.before:
        if seen.victim in nodes:
            away = gained(seen.changes, vip, lambda node: node != seen.victim, seen.spans.injected)
            away = None if away is None or away > seen.spans.healing else away
            back = None if away is None else gained(seen.changes, vip, lambda node: node == seen.victim, away)
            moves[vip] = (away, back)
    return moves


def measure(seen: Seen) -> Numbers:
    """Boil `seen` down to numbers."""
    spans, moves = seen.spans, _moves(seen)
    backs = [back for _, back in moves.values()]
    # A fault that heals itself may send the VIP home before the observer calls it over: the way back is healing, too.
    parted = min([spans.healing, *(back for back in backs if back is not None)])
    by_vip = {vip: [a for a in seen.attempts if a.vip == vip] for vip, _ in seen.before}
    lines = [timeline(seen.changes, vip, nodes, spans.injected, spans.ended) for vip, nodes in seen.before]
    # One that hung already when the fault came is not its doing: a move leaves a connection hanging now and then.
    fresh = spans.injected - SLOW
    phase = [a for a in seen.attempts if a.end >= spans.injected and fresh <= a.start < parted]
    after = [a for a in seen.attempts if parted <= a.start < spans.ended]
    earliest = min((a.start for a in phase), default=spans.injected)
    settle = [settled(line, seen.cured) for line in lines]
    return Numbers(
        attempts=len(phase) + len(after),
        outage_ms=_ms(max((outage(own, earliest, parted) for own in by_vip.values()), default=0.0)),
        outage_heal_ms=_ms(max((outage(own, parted, spans.ended) for own in by_vip.values()), default=0.0)),
        failed=sum(not a.ok for a in phase),
        failed_new=sum(not a.ok for a in phase if a.start >= spans.struck),
        failed_heal=sum(not a.ok for a in after),
        slow=sum(a.slow for a in phase),
        moved_ms=_worst((away for away, _ in moves.values()), spans.injected),
        back_ms=_worst(backs, seen.cured),
        two_holders_ms=_ms(max((total(line, lambda count: count > 1) for line in lines), default=0.0)),
        no_holder_ms=_ms(max((total(line, lambda count: count == 0) for line in lines), default=0.0)),
        one_holder_ms=None if None in settle else _ms(max((s for s in settle if s is not None), default=0.0)),
        served_ms=_worst((served_from(own) for own in by_vip.values()), spans.healed),
        transitions=sum(spans.injected <= change.at <= spans.ended for change in seen.changes),
        watches_reset=sum(b.how == "reset" and spans.injected <= b.at <= spans.ended for b in seen.broken),
        watches_silent=sum(b.how == "silent" and spans.injected <= b.at <= spans.ended for b in seen.broken),
        gap_ms=_ms(max((gap(own) for own in by_vip.values()), default=0.0)),
        two_longest_ms=_ms(max((longest(line, lambda count: count > 1) for line in lines), default=0.0)),
        watches_ms=_worst((learned(seen, vip) for vip in moves if _losses(seen, vip)), 0.0),
    )
