"""What the adverts on the wire tell, as of the last reading, and when they tell nothing."""

from __future__ import annotations

from operator import attrgetter

from halbd.model.adverts import Claim
from halbd.model.config import Config, Vip
from halbd.model.state import State

FLOOR = 0.5
"""Seconds of silence that say nothing, however short advert_int is: a busy machine may be late."""
INTERVALS = 2.5
"""Times advert_int of silence that say nothing. The peers themselves wait for 2.6 and more (decide/adverts.py)."""

_AT = attrgetter("at")


def patience(config: Config) -> float:
    """Seconds after which a master that was not heard again is silent."""
    return max(FLOOR, INTERVALS * config.vrrp.advert_int)


def since(state: State) -> float | None:
    """From when on nothing can have been missed: neither on the wire nor by a daemon that was stopped. None: never."""
    guard = state.guard
    if guard.heard_since is None or guard.awake_since is None:
        return None
    return max(guard.heard_since, guard.awake_since)


def own(state: State, vip: Vip) -> Claim | None:
    """The last advert that this node sent for the VIP, as far as the evidence goes back."""
    return max(_claims(state, vip, own=True), key=_AT, default=None)


def speaks(state: State, vip: Vip) -> bool:
    """This node is heard to advertise the VIP."""
    claim = own(state, vip)
    return claim is not None and lasts(state, claim)


def lasts(state: State, claim: Claim) -> bool:
    """It says that its source is master, and is recent enough to count."""
    return claim.advert.priority > 0 and state.guard.heard_at - claim.at <= patience(state.config)


def silent(state: State, vip: Vip) -> bool:
    """This node has been listened to for long enough to know that it does not advertise the VIP."""
    begin = since(state)
    if begin is None:
        return False
    claim = own(state, vip)
    if claim is None:
        return state.guard.heard_at - begin > patience(state.config)
    longest = patience(state.config) if claim.advert.priority else FLOOR
    return state.guard.heard_at - claim.at > longest


def resigned(state: State, vip: Vip) -> bool:
    """The last that this node said was that it gives the VIP up."""
    claim = own(state, vip)
    return claim is not None and claim.advert.priority == 0


def rival(state: State, vip: Vip) -> Claim | None:
    """Another node's advert for the VIP, if it is heard now."""
    heard = [one for one in _claims(state, vip, own=False) if lasts(state, one) and known(state.config, one)]
    return max(heard, key=_AT, default=None)


def known(config: Config, claim: Claim) -> bool:
    """A node of the config says so. A multicast advert comes from an address that the config need not name."""
    source = claim.advert.source
    others = [node.address for node in config.nodes if node.name != config.node.name]
    if source in others:
        return True
    return not config.vrrp.unicast or all(address.version != source.version for address in others)


def name(config: Config, claim: Claim) -> str:
    """The node that a claim comes from, in words."""
    source = claim.advert.source
    return next((node.name for node in config.nodes if node.address == source), str(source))


def _claims(state: State, vip: Vip, *, own: bool) -> list[Claim]:
    begin = since(state)
    if begin is None:
        return []
    return [
        one
        for one in state.guard.claims
        if one.own is own and one.at >= begin and one.interface == vip.interface and vip.address in one.advert.addresses
    ]
