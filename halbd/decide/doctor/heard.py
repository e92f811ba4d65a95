"""What the wire tells: strangers with our virtual_router_id, two holders, a peer with another config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from halbd.decide.adverts import spread
from halbd.decide.doctor.said import fine, unknown, warning, with_config, wrong
from halbd.decide.groups import Instance, instances
from halbd.decide.wire import known, patience
from halbd.model.adverts import Advert, Claim
from halbd.model.config import Config
from halbd.model.facts import Answer, Facts, Heard, Unknown
from halbd.model.findings import Said

HALF = 0.005
"""Seconds: half of what version 3 counts in."""
FREE = 256
"""One more than the highest virtual_router_id."""


@with_config
def strangers(config: Config, facts: Facts) -> Iterator[Said]:
    """Somebody who is no node of the config uses one of its virtual_router_ids."""
    if isinstance(facts.heard, Unknown):
        yield unknown(facts.heard.why)
        return
    ours = {(vip.interface, vip.virtual_router_id) for vip in config.vips}
    heard = {(one.interface, one.advert.virtual_router_id) for one in facts.heard.claims}
    found = False
    for one in facts.heard.claims:
        used = (one.interface, one.advert.virtual_router_id)
        if used in ours and not one.own and not known(config, one):
            found = True
            taken = {number for interface, number in ours | heard if interface == one.interface}
            free = next((number for number in range(1, FREE) if number not in taken), 0)
            what = (
                f"{one.advert.source}, which is no node of this config, uses virtual_router_id {used[1]} on {used[0]}"
            )
            yield wrong(what, f"virtual_router_id: {free} in every node's file" if free else "ask who uses it")
    if not found:
        yield fine(f"nobody else uses a virtual_router_id of ours ({_listened(facts.heard)})")


@with_config
def holders(config: Config, facts: Facts) -> Iterator[Said]:
    """Two that claim one VIP; or an answer from a VIP for which nobody speaks."""
    if isinstance(facts.heard, Unknown):
        yield unknown(facts.heard.why)
        return
    here = {one.address.ip for one in facts.addresses}
    answers = {} if isinstance(facts.answers, Unknown) else facts.answers
    for vip in config.vips:
        late = facts.heard.until - patience(config)
        claims = [
            one
            for one in facts.heard.claims
            if one.interface == vip.interface
            and vip.address in one.advert.addresses
            and one.advert.priority > 0
            # Of two that have just changed places one has fallen silent.
            and one.at >= late
        ]
        sources = sorted({str(one.advert.source) for one in claims})
        answered = answers.get(vip.address, Answer.SILENT) is not Answer.SILENT
        if len(sources) > 1:
            what = f"{' and '.join(sources)} both advertise {vip.address}"
            yield wrong(what, "let VRRP through between them (vrrp-firewall), then compare their configs (peer-config)")
        elif vip.address in here and sources and not any(one.own for one in claims):
            what = f"{vip.address} is on this node, and {sources[0]} advertises it"
            yield wrong(what, f"ip addr del {vip} dev {vip.interface}; is halbd running here?")
        elif answered and not sources and vip.address not in here:
            what = f"{vip.address} answers, and nobody is heard to advertise it"
            yield warning(
                what, f"ip neigh show {vip.address}: another machine has it, or the holder's adverts get lost"
            )
        else:
            yield fine(f"{vip.address}: {_holder(sources, here=vip.address in here)} ({_listened(facts.heard)})")


def _holder(sources: list[str], *, here: bool) -> str:
    return f"{sources[0]} alone advertises it" if sources else "is on this node" if here else "nobody advertises it"


@with_config
def peer_config(config: Config, facts: Facts) -> Iterator[Said]:
    """What a peer's adverts carry of its config. Nodes have no channel for the rest: whoever may ask both has to."""
    if isinstance(facts.heard, Unknown):
        yield unknown(facts.heard.why)
        return
    others = [str(one.address) for one in config.nodes if one.name != config.node.name]
    if not others:
        yield fine("the config has one node")
        return
    heard = False
    for one in facts.heard.claims:
        for instance in instances(config):
            if not one.own and known(config, one) and _of(one, instance):
                heard = True
                yield from _different(config, instance, one.advert)
    if heard:
        what = "VIPs, version and advert_int of the holder were compared, adverts carry no more; the whole file: "
        yield fine(what + _ask(config, facts.file, others))
    else:
        what = f"no peer was heard (only the holder sends adverts), so nothing was compared; {_listened(facts.heard)}"
        yield unknown(what, _ask(config, facts.file, others))


def _ask(config: Config, file: str, others: Sequence[str]) -> str:
    """Whether each has this very file: the digest is the SHA-256 of its bytes."""
    ask = f"echo {quote(f'{config.digest}  {file}')} | ssh"
    if len(others) == 1:
        return f"{ask} {others[0]} sha256sum -c"
    return f"for node in {' '.join(others)}; do {ask} $node sha256sum -c; done"


def _different(config: Config, instance: Instance, advert: Advert) -> Iterator[Said]:
    name = next((one.name for one in config.nodes if one.address == advert.source), str(advert.source))
    same = "the same halbd.yaml on each node, then halbctl reload"
    ours = {vip.address for vip in instance.vips}
    if ours != advert.addresses:
        theirs = ", ".join(sorted(map(str, advert.addresses)))
        yield wrong(f"{name} advertises {theirs}, and this node has {', '.join(sorted(map(str, ours)))}", same)
    if advert.version != config.vrrp.version:
        yield wrong(f"{name} speaks VRRP version {advert.version}, and this node {config.vrrp.version}", same)
    elif abs(advert.advert_int - (ours_int := config.vrrp.advert_int / spread(config.vrrp))) > HALF:
        what = f"{name} sends an advert every {advert.advert_int:g} s, and this node's file makes it {ours_int:g} s"
        yield wrong(what, same)


def _of(claim: Claim, instance: Instance) -> bool:
    same_family = claim.advert.source.version == instance.family
    used = (claim.interface, claim.advert.virtual_router_id)
    return same_family and used == (instance.interface, instance.virtual_router_id)


def _listened(heard: Heard) -> str:
    return f"listened for {heard.seconds:.1f} s"
