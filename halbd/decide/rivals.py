"""Others who speak for our VIPs on the wire: told in the log once, until they fall silent."""

from __future__ import annotations

from halbd.decide import wire
from halbd.model.adverts import Claim
from halbd.model.config import Address, LogLevel, Vip
from halbd.model.effects import Effect, Say
from halbd.model.evidence import Now
from halbd.model.replacing import replace
from halbd.model.state import State

TWO = 2.0
"""Seconds for which two masters must be heard at the least: at a move they overlap for some milliseconds."""
MARGIN = 0.5
"""Seconds more than the old master's last advert counts (wire.patience), which is longer at advert_int 1."""
STRANGERS = 16
"""Strangers that the log tells of."""


def due(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """At each reading of the wire: two masters for a while, or a stranger who uses a virtual_router_id of ours."""
    two = {vip.address: one for vip in state.config.vips if (one := _other_master(state, vip))}
    strangers = {one.advert.source: one for one in state.guard.claims if _strange(state, one)}
    if not (two or strangers or state.guard.rivals or state.guard.said):
        return state, ()
    since = {address: state.guard.rivals.get(address, now.mono) for address in two}
    over = {vip.address for vip in state.config.vips} - two.keys()
    told = state.guard.said - over
    enough = max(TWO, wire.patience(state.config) + MARGIN)
    lasting = {address: one for address, one in two.items() if now.mono - since[address] >= enough}
    news = {address: _two_masters(state, address, one) for address, one in lasting.items()}
    unheard = [source for source in strangers if source not in told][: max(0, STRANGERS - len(told))]
    news |= {source: _stranger(strangers[source]) for source in unheard}
    effects = tuple(say for address, say in news.items() if address not in told)
    if since == state.guard.rivals and told == state.guard.said and not news:
        return state, ()
    return replace(state, guard=replace(state.guard, rivals=since, said=told | news.keys())), effects


def _other_master(state: State, vip: Vip) -> Claim | None:
    return wire.rival(state, vip) if wire.speaks(state, vip) else None


def _strange(state: State, claim: Claim) -> bool:
    if claim.own or wire.known(state.config, claim):
        return False
    ids = {(vip.interface, vip.virtual_router_id) for vip in state.config.vips}
    return (claim.interface, claim.advert.virtual_router_id) in ids


def _two_masters(state: State, vip: Address, claim: Claim) -> Effect:
    fields = {"vip": str(vip), "other": wire.name(state.config, claim), "priority": claim.advert.priority}
    return Say(LogLevel.ERROR, "vrrp.two_masters", fields)


def _stranger(claim: Claim) -> Effect:
    advert = claim.advert
    fields = {"source": str(advert.source), "interface": claim.interface, "virtual_router_id": advert.virtual_router_id}
    return Say(LogLevel.WARNING, "vrrp.stranger", fields)
