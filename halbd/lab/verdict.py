"""Was it as it should be? What the faults expect, from a config and the numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from halbd.decide.timing import proxy_drop_time
from halbd.lab.measure import Numbers
from halbd.model.config import Config

SLACK = 0.15  # seconds beyond what the protocol itself takes: detection, scheduling, the client's own rhythm


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation and what came of it."""

    what: str
    wanted: str
    got: str
    ok: bool


def skew(config: Config) -> float:
    """Seconds that the second node waits after an advert of priority 0.

    Skew_Time is (256 - priority) / 256 of a second in version 2 (RFC 3768, 6.1), of advert_int in version 3
    (RFC 5798, 6.1).
    """
    priorities = sorted((node.priority for node in config.nodes), reverse=True)
    second = priorities[1] if len(priorities) > 1 else priorities[0]
    return (256 - second) / 256 * (config.vrrp.advert_int if config.vrrp.version == 3 else 1.0)


def shared(config: Config) -> float:
    """Seconds of trouble that a dead node brings as a server: where nodes are servers too, one dies with it."""
    nodes = {str(node.address) for node in config.nodes}
    first = config.frontends[0]
    return proxy_drop_time(first) if any(server.address in nodes for server in first.servers) else 0.0


def length(milliseconds: float | None) -> str:
    """A time for people: "12 ms", "3.46 s", "never"."""
    if milliseconds is None:
        return "never"
    if 0 < milliseconds < 1:
        return "< 1 ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def within(what: str, milliseconds: float | None, limit: float) -> Finding:
    """It came, and no later than `limit` seconds."""
    ok = milliseconds is not None and milliseconds <= limit * 1000
    return Finding(what, f"within {length(limit * 1000)}", length(milliseconds), ok)


def outage(numbers: Numbers, limit: float) -> Finding:
    """The client was without service for at most `limit` seconds."""
    ok = numbers.outage_ms <= limit * 1000
    return Finding("outage", f"at most {length(limit * 1000)}", length(numbers.outage_ms), ok)


def moved(numbers: Numbers, limit: float | None = None) -> Finding:
    """Another node took the VIP, within `limit` seconds where there is one."""
    if limit is not None:
        return within("VIP moved", numbers.moved_ms, limit)
    return Finding("VIP moved", "yes", length(numbers.moved_ms), numbers.moved_ms is not None)


def back(numbers: Numbers) -> Finding:
    """The VIP came back after the cure."""
    return Finding("VIP moved back", "yes", length(numbers.back_ms), numbers.back_ms is not None)


def stayed(numbers: Numbers) -> Finding:
    """The VIP moved nowhere: a move resets every connection and would cure nothing."""
    return Finding("transitions", "0", str(numbers.transitions), numbers.transitions == 0)


def one_holder(numbers: Numbers) -> Finding:
    """Exactly one node held the VIP all the time."""
    ok = numbers.no_holder_ms == 0 and numbers.two_holders_ms == 0
    got = f"none for {length(numbers.no_holder_ms)}, two for {length(numbers.two_holders_ms)}"
    return Finding("one holder", "always", "always" if ok else got, ok)


def both_held(numbers: Numbers) -> Finding:
    """More than one node held the VIP: no VRRP can prevent it when no node hears the other, so it must be seen."""
    return Finding("two holders", "reported", length(numbers.two_holders_ms), numbers.two_holders_ms > 0)


def both_at_most(numbers: Numbers, limit: float) -> Finding:
    """Two nodes held the VIP for at most `limit` seconds."""
    ok = numbers.two_holders_ms <= limit * 1000
    return Finding("two holders", f"at most {length(limit * 1000)}", length(numbers.two_holders_ms), ok)


def each_both_at_most(numbers: Numbers, limit: float) -> Finding:
    """Two nodes held the VIP for at most `limit` seconds at a time, however often."""
    ok = numbers.two_longest_ms <= limit * 1000
    words = f"at most {length(limit * 1000)} at a time"
    return Finding("two holders", words, length(numbers.two_longest_ms), ok)


def none_at_most(numbers: Numbers, limit: float) -> Finding:
    """No node held the VIP for at most `limit` seconds."""
    ok = numbers.no_holder_ms <= limit * 1000
    return Finding("no holder", f"at most {length(limit * 1000)}", length(numbers.no_holder_ms), ok)


BREAK = 0.1
"""Seconds without a holder that a move and the way back may show. keepalived's first advert, on which the old holder
gives the VIP up, leaves up to 20 ms before the new one has set the address (docs/decisions/0009), and two monitors
saw it."""
STANDSTILL = 0.25
"""Seconds. A client that itself did nothing for so long, on a busy machine, cannot say who else was slow."""


def made_before_break(numbers: Numbers) -> tuple[Finding, ...]:
    """The VIP was handed over, and never lost: a peer had it before it left, and nobody waited for a second SYN."""
    still, slow = numbers.gap_ms >= STANDSTILL * 1000, str(numbers.slow)
    words = f"{slow}, but the client stood still for {length(numbers.gap_ms)}" if numbers.slow and still else slow
    return (
        moved(numbers),
        none_at_most(numbers, BREAK),
        Finding("connections slow", "0", words, still or numbers.slow == 0),
    )


PROMPT = 1.0
"""Seconds after the VIP's leaving in which each watch on it must break. It takes a tenth of that; a watch that nobody
ends is given up no sooner than two seconds after it."""


def watches_ended(numbers: Numbers) -> tuple[Finding, ...]:
    """Those who hold a connection are told at once that the VIP has left; none is left to find out by itself."""
    silent = numbers.watches_silent
    return (
        Finding("watches left to hang", "0", str(silent), silent == 0),
        within("watches broke after the VIP left", numbers.watches_ms, PROMPT),
    )


def none_failed(numbers: Numbers) -> Finding:
    """No connection that was begun after the fault failed."""
    return Finding("new connections failed", "0", str(numbers.failed_new), numbers.failed_new == 0)


def touched(numbers: Numbers) -> Finding:
    """The VIP was seen to leave and to come back, here or on another node: else nothing has been played."""
    return Finding("transitions", "at least 2", str(numbers.transitions), numbers.transitions >= 2)


MOVES = 4
"""Transitions of a VIP that a flapping link may cost: it goes (lost here, gained there), and comes back."""


def damped(numbers: Numbers) -> Finding:
    """The VIP moved once and came back once, at the most."""
    return Finding("transitions", f"at most {MOVES}", str(numbers.transitions), numbers.transitions <= MOVES)


def undisturbed(numbers: Numbers) -> tuple[Finding, ...]:
    """Nobody noticed: the VIP stayed, no connection failed, no watch broke."""
    broken = numbers.watches_reset + numbers.watches_silent
    failed = numbers.failed + numbers.failed_heal
    return (
        stayed(numbers),
        Finding("connections failed", "0", str(failed), failed == 0),
        Finding("watches broken", "0", str(broken), broken == 0),
    )


def yes(what: str, got: str, *, ok: bool) -> Finding:
    """It is so; `got` says what else."""
    return Finding(what, "yes", "yes" if ok else got, ok)


def recovered(complaints: tuple[str, ...]) -> Finding:
    """All was right again after the cure."""
    return Finding("right again", "yes", "; ".join(complaints) or "yes", not complaints)
