"""Who holds the VIPs, as netlink tells it: transitions, roles, causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from halbd.decide import guard, parting, wire
from halbd.decide.blind import ON_TRIAL, SEES
from halbd.decide.verdict import verdict
from halbd.model.config import Address, Config, LogLevel, Vip
from halbd.model.effects import Effect, Record, RemoveAddress, Say
from halbd.model.events import AddressChanged, AddressesDumped
from halbd.model.evidence import Held, Now
from halbd.model.guard import Mending, Place, Wrong
from halbd.model.replacing import replace
from halbd.model.state import State
from halbd.model.transition import Role, Transition

Step: TypeAlias = tuple[State, tuple[Effect, ...]]

KEPT = 10
"""Transitions that status shows."""
ELECTED = "elected: no better node is heard"
ADDED = "added by somebody else than keepalived"
REMOVED = "removed by somebody else than keepalived"
DROPPED = "no longer in halbd.yaml"
LEFT = "it is no longer in halbd.yaml, and the keepalived that had set it does not run"


def role(state: State, now: Now) -> Role:
    """Master where every VIP is here, mixed where some are, else maintenance, backup or, when unfit, fault."""
    held = sum(vip.address in state.held for vip in state.config.vips)
    if held == len(state.config.vips):
        return Role.MASTER
    if held:
        return Role.MIXED
    if state.maintenance:
        return Role.MAINTENANCE
    return Role.FAULT if verdict(state, now).failed else Role.BACKUP


def changed(state: State, event: AddressChanged, now: Now) -> Step:
    """One address came or went. Repeated news (`ip addr replace` sends some) and foreign addresses change nothing."""
    vip = next((one for one in state.config.vips if one.address == event.address), None)
    if vip is None or event.present == _here(state, vip, event.interface):
        return state, ()
    return _transition(state, vip, event.interface, event.present, _cause(state, vip, event, now), now)


def dumped(state: State, event: AddressesDumped, now: Now) -> Step:
    """All addresses: make up for everything that was missed."""
    effects: tuple[Effect, ...] = ()
    for vip in state.config.vips:
        found = _interfaces(event.present, vip)
        if not found:
            state = parting.begin(state, vip.address, now)  # it may have left while no daemon was looking
        for interface in sorted({vip.interface} | _interfaces(state.strays, vip) | found):
            present = interface in found
            if present != _here(state, vip, interface):
                state, more = _transition(state, vip, interface, present, event.why, now)
                effects += more
    return state, effects


def applied(state: State, config: Config, now: Now) -> Step:
    """Another config: an interface that was a VIP's own may no longer be so, or may be now.

    A VIP that it does not have any more is taken off by keepalived, which was told, or by halbd for a dead one; halbd
    hears no more of it.
    """
    effects: tuple[Effect, ...] = ()
    ours = {vip.address for vip in config.vips}
    if state.keepalived_is_child or state.keepalived_is_unit:
        for vip in state.config.vips:
            if vip.address in state.held and vip.address not in ours:
                left = _left_by_a_dead(state, vip)
                state, more = _transition(state, vip, vip.interface, False, DROPPED, now, config=config)
                effects += more + left
    places = {(address, one.interface): one.since for address, one in state.held.items()}
    held, strays = sorted_out(config, {**places, **state.strays})
    role_since = {address: since for address, since in state.role_since.items() if address in ours}
    return replace(state, config=config, held=held, strays=strays, role_since=role_since), effects


def _left_by_a_dead(state: State, vip: Vip) -> tuple[Effect, ...]:
    """The next keepalived begins on the new file, and does not know what the one before had set.

    Only what that had set, by all that is known: whoever has added the address may want to keep it. Nor where any
    keepalived may have it: one that loses a VIP resigns for all of its VIPs.
    """
    dead = not (state.keepalived.running or state.guard.idle or wire.speaks(state, vip))
    latest = next((one for one in reversed(state.transitions) if one.vip == vip.address), None)
    if not dead or latest is None or (latest.cause, latest.interface) != (ELECTED, vip.interface):
        return ()
    fields = {"vip": str(vip.address), "interface": vip.interface, "why": LEFT, "mended": True}
    return Say(LogLevel.ERROR, "vip.stale", fields), RemoveAddress(vip.address, vip.interface)


def sorted_out(config: Config, places: Mapping[Place, Now]) -> tuple[dict[Address, Held], dict[Place, Now]]:
    """Which of these are VIPs on their own interfaces, and which are VIPs astray."""
    own = {vip.address: vip.interface for vip in config.vips}
    held = {address: Held(at, since) for (address, at), since in places.items() if own.get(address) == at}
    strays = {(a, at): since for (a, at), since in places.items() if a in own and own[a] != at}
    return held, strays


def _interfaces(places: Iterable[Place], vip: Vip) -> set[str]:
    return {interface for address, interface in places if address == vip.address}


def _here(state: State, vip: Vip, interface: str) -> bool:
    """The VIP is known to be on that interface."""
    return vip.address in state.held if interface == vip.interface else (vip.address, interface) in state.strays


def _transition(
    state: State, vip: Vip, interface: str, gained: bool, cause: str, now: Now, *, config: Config | None = None
) -> Step:
    """`config`: the one in which the role afterwards is told, where that is another."""
    if interface == vip.interface:
        after, since = _moved(state, vip, gained, now), state.role_since.get(vip.address)
    else:
        after, since = (
            _strayed(state, (vip.address, interface), gained, now),
            state.strays.get((vip.address, interface)),
        )
    lasted = now.mono - since.mono if since else None
    before, then = role(state, now), role(replace(after, config=config or state.config), now)
    one = Transition(now.wall, vip.address, interface, gained, before, then, lasted, cause)
    return replace(after, transitions=(*state.transitions, one)[-KEPT:]), (Record(one),)


def _moved(state: State, vip: Vip, gained: bool, now: Now) -> State:
    state = parting.over(state, vip.address) if gained else parting.begin(state, vip.address, now)
    held = {a: h for a, h in state.held.items() if a != vip.address}
    held |= {vip.address: Held(vip.interface, now)} if gained else {}
    return replace(state, held=held, role_since={**state.role_since, vip.address: now})


def _strayed(state: State, place: Place, gained: bool, now: Now) -> State:
    """Whoever adds a VIP elsewhere makes no holder: keepalived does not know of it, and no probe asks through it."""
    strays = {one: since for one, since in state.strays.items() if one != place} | ({place: now} if gained else {})
    state = replace(state, strays=strays)
    gone = place[0] not in state.held and all(address != place[0] for address, _ in strays)
    return parting.begin(state, place[0], now) if gone else state


def _cause(state: State, vip: Vip, event: AddressChanged, now: Now) -> str:
    """As far as this node knows it: what it did itself, its own verdict, and what it told keepalived come first."""
    mended = guard.mended(state, (vip.address, event.interface), now)
    if event.interface != vip.interface and not event.by_keepalived:
        return _stray_cause(event, mended)
    if event.present:
        if mended and mended.wrong is Wrong.MISSING:
            return "put back by halbd: it was missing, and keepalived advertised it"
        unexplained = event.by_keepalived is None and wire.silent(state, vip) and wire.rival(state, vip)
        return ADDED if event.by_keepalived is False or unexplained else ELECTED
    if reasons := [r.cause.value for r in verdict(state, now).reasons if r.fails]:
        return reasons[0]
    if mended:
        return f"stale, removed by halbd: {mended.why}"
    if state.stopping:
        return "stopping: offered to the peers"
    if state.maintenance:
        return "maintenance: offered to the peers"
    if not state.keepalived.running and (state.keepalived_is_child or state.keepalived_is_unit):
        return "keepalived does not run"
    return _lost(state, vip, event)


def _stray_cause(event: AddressChanged, mended: Mending | None) -> str:
    """What concerns this node and its keepalived explains nothing there."""
    if event.present:
        return ADDED
    if mended:
        return f"stale, removed by halbd: {mended.why}"
    return REMOVED if event.up else f"{event.interface} went down"


def _lost(state: State, vip: Vip, event: AddressChanged) -> str:
    """Keepalived says on the wire that it gives a VIP up before it takes the address off.

    That a peer took over from a lowered priority is said where one is heard, or where nobody could be.
    """
    if not event.up:
        return f"{event.interface} went down"
    if event.by_keepalived is False:
        return REMOVED
    claim = wire.rival(state, vip)
    blind = any(level > (ON_TRIAL if state.proxy.on_trial else SEES) for level in state.levels.values())
    if blind and (claim or wire.since(state) is None):
        return "no_servers: a peer that sees servers took over"
    if claim:
        return f"a better node took over: {wire.name(state.config, claim)} (priority {claim.advert.priority})"
    if event.by_keepalived or wire.resigned(state, vip):
        return "keepalived gave it up: it was stopped, or tracks something that failed"
    return REMOVED if wire.speaks(state, vip) else "a better node took over, or the address was removed by hand"
