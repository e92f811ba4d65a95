"""Nothing stale stays: a VIP that is where it should not be is removed, one that is missing is put back.

| what is wrong | evidence, without a gap | what halbd does |
|---|---|---|
| stale | the VIP is here, this node does not advertise it, another node does | removes it |
| unfit | the VIP is here, a second after keepalived was told to give it up | removes it, and ends that keepalived |
| missing | this node advertises the VIP, it is not here, and the interface is up | puts it back |
| astray | it is on an interface not its own; advertised from its own here, or as for stale | removes it there |

A VIP is never removed from a fit node unless another node is heard to hold it, or it stays where it belongs. So a
mistake here costs no service, and a holder whose keepalived died, with nobody else there, serves on until it is back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from halbd.decide import wire
from halbd.decide.handover import handing_over
from halbd.decide.verdict import verdict
from halbd.model.config import LogLevel, Vip
from halbd.model.effects import Effect, RemoveAddress, RestoreAddress, Say
from halbd.model.events import AdvertsHeard
from halbd.model.evidence import Now
from halbd.model.guard import Doubt, Mending, Place, Wrong
from halbd.model.paths import FAULT
from halbd.model.replacing import replace
from halbd.model.state import State

GAP = 0.7
"""Seconds without a turn of the loop after which all evidence begins anew: the wire is read five times a second."""
GAP_DEAF = 2.0
"""The same where the wire is not read: then the loop turns once a second at least."""
NOTED = 0.2
"""Seconds between two notes of the turns of the loop, of which there may be many."""
ARRIVED = 0.3
"""Seconds that a VIP must have been here: keepalived sends its first advert before it sets the address."""
LEFT = 0.5
"""Seconds that a VIP must have been gone: keepalived 2.2 puts back a deleted one within 50 ms."""
DELAYS = {Wrong.STALE: 0.2, Wrong.UNFIT: 1.0, Wrong.MISSING: 0.2, Wrong.ASTRAY: 0.2}
"""Seconds for which something must look wrong, in every turn, until it is put right."""
FIRST_REST = 1.0
LONGEST_REST = 60.0
"""Seconds between two mendings of one VIP: at first, and at the most; each rest is twice the last."""
FORGET = 120.0
"""Seconds after which an earlier mending no longer counts."""

Step = tuple[State, tuple[Effect, ...]]


def heard(state: State, event: AdvertsHeard) -> State:
    """The latest from the wire."""
    return replace(state, guard=replace(state.guard, claims=event.claims, heard_since=event.since, heard_at=event.at))


def awake(state: State, now: Now) -> State:
    """Every turn of the loop. One that comes late has missed something: what was believed before it counts no more."""
    guard = state.guard
    gap = GAP_DEAF if guard.heard_since is None else GAP
    if guard.turned is None or now.mono - guard.turned > gap:
        guard = replace(guard, turned=now.mono, awake_since=now.mono, doubts={}, signs={}, rivals={}, quiet={})
    elif now.mono - guard.turned > NOTED:
        guard = replace(guard, turned=now.mono)
    else:
        return state
    return replace(state, guard=guard)


def due(state: State, now: Now) -> Step:
    """Look at each place of each VIP; put right what has looked wrong for long enough."""
    doubts = _doubts(state, now)
    if doubts != state.guard.doubts:
        state = replace(state, guard=replace(state.guard, doubts=doubts))
    if not doubts:
        return state, ()
    effects: tuple[Effect, ...] = ()
    for place, doubt in doubts.items():
        if _ripe(state, doubt, now) and now.mono >= _rest_ends(state, place):
            state, more = _mend(state, place, doubt.wrong, now)
            effects += more
    return state, effects


def next_due(state: State) -> float | None:
    """When keepalived is late in giving a VIP up (monotonic seconds); all else is decided when the wire is read."""
    if not state.guard.doubts:
        return None
    late = {place: one for place, one in state.guard.doubts.items() if one.wrong is Wrong.UNFIT}
    times = (max(one.since + DELAYS[one.wrong], _rest_ends(state, place)) for place, one in late.items())
    return min(times, default=None)


def overdue(state: State, now: Now) -> bool:
    """Keepalived has been told to give a VIP up, and has not. One that came later is not its fault."""
    unfit = {place: one for place, one in state.guard.doubts.items() if one.wrong is Wrong.UNFIT}
    return any(_ripe(state, one, now) and _was_here(state, place, one) for place, one in unfit.items())


def mended(state: State, place: Place, now: Now) -> Mending | None:
    """What halbd itself has just done there."""
    one = state.guard.mended.get(place)
    return one if one and now.mono - one.at < 1.0 else None


def _doubts(state: State, now: Now) -> Mapping[Place, Doubt]:
    found = {}
    for place, wrong in _wrongs(state, now):
        before = state.guard.doubts.get(place)
        same = before is not None and before.wrong is wrong
        found[place] = before if before and same else Doubt(wrong, _moment(state, wrong, now))
    return found


def _wrongs(state: State, now: Now) -> Iterator[tuple[Place, Wrong]]:
    unfit = bool(state.held) and state.pushed.get(FAULT) == 1 and verdict(state, now).failed
    for vip in state.config.vips:
        if wrong := _wrong(state, vip, unfit):
            yield (vip.address, vip.interface), wrong
        if state.strays and _in_its_place(state, vip):
            yield from ((place, Wrong.ASTRAY) for place in state.strays if place[0] == vip.address)


def _wrong(state: State, vip: Vip, unfit: bool) -> Wrong | None:
    if held := state.held.get(vip.address):
        if unfit:
            return Wrong.UNFIT
        settled = state.guard.heard_at - held.since.mono >= ARRIVED
        return Wrong.STALE if settled and _elsewhere(state, vip) else None
    return Wrong.MISSING if _missing(state, vip) else None


def _elsewhere(state: State, vip: Vip) -> bool:
    """Another node advertises the VIP, and this one does not."""
    return wire.rival(state, vip) is not None and wire.silent(state, vip)


def _in_its_place(state: State, vip: Vip) -> bool:
    """The VIP is where keepalived wants it: on its interface here, or on another node."""
    return _elsewhere(state, vip) or (vip.address in state.held and wire.speaks(state, vip))


def _missing(state: State, vip: Vip) -> bool:
    """Keepalived believes the VIP to be here: it has gone on advertising it since it left."""
    if state.pushed.get(FAULT) or handing_over(state):
        return False
    claim = wire.own(state, vip)
    if claim is None or not wire.lasts(state, claim):
        return False
    left = state.role_since.get(vip.address)
    return claim.at - (left.mono if left else state.begun.mono) >= LEFT and not wire.rival(state, vip)


def _ripe(state: State, doubt: Doubt, now: Now) -> bool:
    return _moment(state, doubt.wrong, now) >= doubt.since + DELAYS[doubt.wrong]


def _was_here(state: State, place: Place, doubt: Doubt) -> bool:
    """The VIP had come before this node became unfit."""
    held = state.held.get(place[0])
    return held is not None and held.since.mono < doubt.since


def _moment(state: State, wrong: Wrong, now: Now) -> float:
    """What was heard on the wire grows no older by not reading on."""
    return now.mono if wrong is Wrong.UNFIT else state.guard.heard_at


def _rest_ends(state: State, place: Place) -> float:
    """Whatever undoes what halbd does is not fought at full speed, unless halbd is about to leave."""
    one = _undone(state, place)
    longest = FIRST_REST if state.stopping else LONGEST_REST
    return one.at + min(longest, FIRST_REST * 2.0 ** (one.count - 1)) if one else 0.0


def _undone(state: State, place: Place) -> Mending | None:
    """The last mending there. Nobody undid a removal where keepalived here has since taken the VIP by itself."""
    one = state.guard.mended.get(place)
    if one is None or one.wrong is not Wrong.STALE:
        return one
    claim = wire.own(state, _vip(state, place))
    return None if claim and claim.advert.priority and claim.at > one.at else one


def _vip(state: State, place: Place) -> Vip:
    return next(vip for vip in state.config.vips if vip.address == place[0])


def _mend(state: State, place: Place, wrong: Wrong, now: Now) -> Step:
    address, interface = place
    vip, before = _vip(state, place), _undone(state, place)
    count = before.count + 1 if before and now.mono - before.at < FORGET else 1
    one = Mending(wrong, _why(state, vip, wrong), now.mono, min(count, 10))
    state = replace(state, guard=replace(state.guard, mended={**state.guard.mended, place: one}))
    ours = state.keepalived_is_child or state.keepalived_is_unit
    fields = {"vip": str(address), "interface": interface, "why": one.why, "mended": ours}
    said = Say(LogLevel.ERROR, "vip.missing" if wrong is Wrong.MISSING else "vip.stale", fields)
    if not ours:
        return state, (said,)
    if wrong is Wrong.MISSING:
        return state, (said, RestoreAddress(vip))
    return state, (said, RemoveAddress(address, interface))


def _why(state: State, vip: Vip, wrong: Wrong) -> str:
    if wrong is Wrong.UNFIT:
        place = vip.address, vip.interface
        left = _was_here(state, place, state.guard.doubts[place])
        return "this node may not hold it, and " + ("keepalived left it here" if left else "it came all the same")
    if wrong is Wrong.MISSING:
        return "removed by somebody else, and keepalived here still advertises it"
    if wrong is Wrong.ASTRAY and not _elsewhere(state, vip):
        return f"keepalived has it on {vip.interface}, where it belongs"
    claim = wire.rival(state, vip)
    who = f"{wire.name(state.config, claim)} (priority {claim.advert.priority})" if claim else "another node"
    return f"{who} advertises it, and keepalived here does not"
