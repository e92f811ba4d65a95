"""Connections of a VIP that has left: they cannot follow it, so both ends are told at once.

The client is sent a reset; the proxy finds an error and closes the server's side. Nobody is told before there can be
another holder: a client that tries again at once would lose its SYN, and a second with it.

| the VIP left | clients are told | because |
|---|---|---|
| on an offer: priority lowered, or a better node is there | at once | the other node had it first (RFC 9568, 6.4.3) |
| by a fault, or given up by keepalived | after the skew time and TAKEN | then the other node has it |
| for no reason that is known here | after RETURN | keepalived puts back what somebody removed |

A VIP that comes back meanwhile keeps its connections. Those which no process has accepted yet cannot be given a voice
(see system/voice.py): they are poked, and poked AGAIN, until the new holder's reset has reached them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from halbd.decide import wire
from halbd.decide.groups import priorities
from halbd.decide.verdict import verdict
from halbd.model.config import Address, LogLevel, Vip
from halbd.model.effects import Effect, EndConnections, Poke, Say
from halbd.model.events import ConnectionsEnded
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import Parting, State

TAKEN = 0.05
"""Seconds beyond the skew time, for the new holder to announce itself."""
RETURN = 1.0
"""Seconds in which keepalived puts an address back; 0.42 s were seen."""
PATIENCE = 2.0
"""Seconds after which an answer to `EndConnections` is waited for no longer: a stop must not hang on it."""
AGAIN = (0.1, 0.6, 2.0)
"""Seconds between pokes; a Linux client answers two a second of them (tcp_invalid_ratelimit)."""


def begin(state: State, address: Address, now: Now) -> State:
    """This VIP has left, or is found not to be here."""
    vip = next(vip for vip in state.config.vips if vip.address == address)
    return _with(state, address, Parting(now.mono + _delay(state, vip, now)))


def over(state: State, address: Address) -> State:
    """It is back, and so are its connections."""
    return _with(state, address, None)


def ended(state: State, event: ConnectionsEnded, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """The sockets are gone; `mute` ones without a word to the other end."""
    if event.address in state.parting:
        state = _with(state, event.address, Parting(now.mono, event.mute, AGAIN) if event.mute else None)
    fields = {"address": str(event.address), "ended": event.ended, "poked": len(event.mute)}
    if event.why:
        return state, (Say(LogLevel.WARNING, "connections.not_ended", fields | {"why": event.why}),)
    return state, (Say(LogLevel.INFO, "connections.ended", fields),) if event.ended else ()


def advance(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """What is to be said at this moment."""
    effects: tuple[Effect, ...] = ()
    for address, one in state.parting.items():
        if now.mono < one.due:
            continue
        state, effect = _say(state, address, one, now)
        effects += effect
    return state, effects


def next_due(state: State) -> float | None:
    """When there is more to say (monotonic seconds)."""
    return min((one.due for one in state.parting.values()), default=None)


def unsaid(state: State) -> bool:
    """Some connections have not been ended yet: what would end the proxy should wait for that."""
    return any(not one.mute for one in state.parting.values())


def _say(state: State, address: Address, one: Parting, now: Now) -> tuple[State, tuple[Effect, ...]]:
    if one.mute:
        later = Parting(now.mono + one.again[0], one.mute, one.again[1:]) if one.again else None
        return _with(state, address, later), (Poke(one.mute),)
    if one.asked:
        return _with(state, address, None), ()
    return _with(state, address, Parting(now.mono + PATIENCE, asked=True)), (EndConnections(address),)


def _delay(state: State, vip: Vip, now: Now) -> float:
    if wire.rival(state, vip):
        return 0
    if verdict(state, now).failed or not _keepalived_holds_on(state, vip):
        return max(_skews(state, vip), default=0) + TAKEN
    if state.levels.get(vip.prefer):
        return 0
    mine = priorities(state.config, vip.prefer)
    better = mine[state.config.node.name] < max(mine.values())
    return 0 if better and not wire.speaks(state, vip) else RETURN


def _keepalived_holds_on(state: State, vip: Vip) -> bool:
    """It runs, and has not said on the wire that it gives the VIP up: priority 0 (RFC 9568, 5.2.4)."""
    claim = wire.own(state, vip)
    if claim and claim.advert.priority == 0:
        return False
    return state.keepalived.running or not (state.keepalived_is_child or state.keepalived_is_unit)


def _skews(state: State, vip: Vip) -> Iterator[float]:
    """The other nodes' skew times: (256 - priority) / 256 of advert_int (RFC 9568, 6.1); of a second in version 2."""
    interval = state.config.vrrp.advert_int if state.config.vrrp.version == 3 else 1
    for name, priority in priorities(state.config, vip.prefer).items():
        if name != state.config.node.name:
            yield (256 - priority) / 256 * interval


def _with(state: State, address: Address, one: Parting | None) -> State:
    others: Mapping[Address, Parting] = {a: p for a, p in state.parting.items() if a != address}
    if one is None and len(others) == len(state.parting):
        return state
    return replace(state, parting=others if one is None else {**others, address: one})
