"""Who holds the VIPs, as netlink tells it: transitions, roles, causes."""

from __future__ import annotations

from halbd.decide import guard, parting, wire
from halbd.decide.verdict import verdict
from halbd.model.config import Address, Vip
from halbd.model.effects import Effect, Record
from halbd.model.events import AddressChanged, AddressesDumped
from halbd.model.evidence import Held, Now
from halbd.model.guard import Wrong
from halbd.model.replacing import replace
from halbd.model.state import State
from halbd.model.transition import Role, Transition

KEPT = 10
"""Transitions that status shows."""
ADDED = "added by somebody else than keepalived"
REMOVED = "removed by somebody else than keepalived"


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


def changed(state: State, event: AddressChanged, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """One address came or went. Repeated news (`ip addr replace` sends some) and foreign addresses change nothing."""
    if not _ours(state, event.address, event.interface) or event.present == (event.address in state.held):
        return state, ()
    return _transition(state, event.address, event.interface, event.present, _cause(state, event, now), now)


def dumped(state: State, event: AddressesDumped, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """All addresses: make up for everything that was missed."""
    effects: tuple[Effect, ...] = ()
    for vip in state.config.vips:
        present = (vip.address, vip.interface) in event.present
        if present != (vip.address in state.held):
            state, more = _transition(state, vip.address, vip.interface, present, event.why, now)
            effects += more
        elif all(address != vip.address for address, _ in event.present):
            state = parting.begin(state, vip.address, now)  # it may have left while no daemon was looking
    return state, effects


def _ours(state: State, address: Address, interface: str) -> bool:
    return any(vip.address == address and vip.interface == interface for vip in state.config.vips)


def _transition(
    state: State, address: Address, interface: str, gained: bool, cause: str, now: Now
) -> tuple[State, tuple[Effect, ...]]:
    state = parting.over(state, address) if gained else parting.begin(state, address, now)
    held = {a: h for a, h in state.held.items() if a != address}
    after = replace(state, held=held | {address: Held(interface, now)} if gained else held)
    since = state.role_since.get(address)
    lasted = now.mono - since.mono if since else None
    one = Transition(now.wall, address, interface, gained, role(state, now), role(after, now), lasted, cause)
    after = replace(
        after,
        role_since={**state.role_since, address: now},
        transitions=(*state.transitions, one)[-KEPT:],
    )
    return after, (Record(one),)


def _cause(state: State, event: AddressChanged, now: Now) -> str:
    """As far as this node knows it: what it did itself, its own verdict, and what it told keepalived come first."""
    (vip,) = (one for one in state.config.vips if one.address == event.address)
    mended = guard.mended(state, vip.address, now)
    if event.present:
        if mended and mended.wrong is Wrong.MISSING:
            return "put back by halbd: it was missing, and keepalived advertised it"
        unexplained = event.by_keepalived is None and wire.silent(state, vip) and wire.rival(state, vip)
        return ADDED if event.by_keepalived is False or unexplained else "elected: no better node is heard"
    if reasons := [r.cause.value for r in verdict(state, now).reasons if r.fails]:
        return reasons[0]
    if mended:
        return f"stale, removed by halbd: {mended.why}"
    if state.stopping:
        return "stopping: offered to the peers"
    if state.maintenance:
        return "maintenance: offered to the peers"
    if any(state.levels.values()):
        return "no_servers: a peer that sees servers took over"
    if not state.keepalived.running and (state.keepalived_is_child or state.keepalived_is_unit):
        return "keepalived does not run"
    return _lost(state, vip, event)


def _lost(state: State, vip: Vip, event: AddressChanged) -> str:
    """Keepalived says on the wire that it gives a VIP up before it takes the address off."""
    if not event.up:
        return f"{event.interface} went down"
    if event.by_keepalived is False:
        return REMOVED
    if claim := wire.rival(state, vip):
        return f"a better node took over: {wire.name(state.config, claim)} (priority {claim.advert.priority})"
    if event.by_keepalived or wire.resigned(state, vip):
        return "keepalived gave it up: it was stopped, or tracks something that failed"
    return REMOVED if wire.speaks(state, vip) else "a better node took over, or the address was removed by hand"
