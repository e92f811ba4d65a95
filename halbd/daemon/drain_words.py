"""What `POST /drain` is asked, and what it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass

from halbd.daemon.drainer import Drained
from halbd.daemon.http import Response
from halbd.model.errors import HalbdError
from halbd.model.maintenance import Outcome

LONGEST = 366 * 86400
"""Seconds for which a node can be drained with an end."""

_STAYS = {
    Outcome.UNDONE: "nobody took the VIP within {after:.1f} s, so this node keeps it: is the peer up, and well? "
    "`halbctl drain --force` gives it up all the same",
    Outcome.NO_OFFER: "no peer takes a VIP that is offered to it (one node alone, vrrp.preempt: false, a "
    "vrrp.preempt_delay or a long advert_int): `halbctl drain --force` gives it up and a peer takes it, if one is up",
    Outcome.UNDRAINED: "it was undrained before anybody had taken the VIP",
    Outcome.EXPIRED: "its time was over before anybody had taken the VIP",
    Outcome.STOPPING: "halbd is being stopped",
}
"""Why this node is not drained."""


class WrongDrainError(HalbdError):
    """The body is not what a drain is asked with."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """For how many seconds, None without an end; `force`: even if nobody takes the VIPs."""

    seconds: float | None
    force: bool


def asked(body: bytes) -> Wanted:
    """The body of the request; nothing at all is an object without keys. Raises WrongDrainError."""
    try:
        row = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise WrongDrainError(f"cannot drain: the body is not JSON: {error}") from error
    if not isinstance(row, dict) or row.keys() - {"for", "force"}:
        raise WrongDrainError('cannot drain: the body is an object with "for" and "force"')
    seconds, force = row.get("for"), row.get("force", False)
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (number and 0 < seconds <= LONGEST):
        raise WrongDrainError(f"cannot drain: for is a number of seconds above 0 and up to {LONGEST} (366 days)")
    if not isinstance(force, bool):
        raise WrongDrainError("cannot drain: force is true or false")
    return Wanted(seconds, force)


def answer(drained: Drained) -> Response:
    """200 where this node is drained, else 409 with the reason."""
    outcome, after = drained.settled.outcome, drained.settled.after
    said = {"result": outcome.value, "after_ms": round(1000 * after, 3), "warnings": drained.warnings}
    if outcome in _STAYS:
        return Response(409, said | {"error": f"cannot drain: {_STAYS[outcome].format(after=after)}"})
    return Response(200, said)
