"""This node's address and interfaces, and whether the peers are there."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor.said import fine, unknown, warning, with_config, wrong
from halbd.model.config import Config
from halbd.model.facts import Answer, Facts, Unknown
from halbd.model.findings import Said


@with_config
def own_address(config: Config, facts: Facts) -> Iterator[Said]:
    """The node's address is on an interface."""
    address = config.node.address
    on = [one.interface for one in facts.addresses if one.address.ip == address]
    if on:
        yield fine(f"{address} of {config.node.name} is on {on[0]}")
    else:
        cure = "add it, or correct nodes[].address, or name another node with --node"
        yield wrong(f"{address} of {config.node.name} is on no interface", cure)


@with_config
def interfaces(config: Config, facts: Facts) -> Iterator[Said]:
    """Each that carries a VIP is up and has a carrier."""
    for name in dict.fromkeys(vip.interface for vip in config.vips):
        if name not in facts.up:
            yield wrong(f"there is no interface {name}", "correct vips[].interface; `ip link` lists those that exist")
        elif not facts.up[name]:
            yield wrong(f"{name} is down or has no carrier", f"ip link set {name} up, or look at its cable or port")
        else:
            yield fine(f"{name} is up")


@with_config
def peers(config: Config, facts: Facts) -> Iterator[Said]:
    """Each other node answers."""
    others = [node for node in config.nodes if node.name != config.node.name]
    if isinstance(facts.answers, Unknown):
        yield unknown(facts.answers.why)
        return
    if not others:
        yield warning("the config has one node: nobody takes its VIPs over", "write a second one under nodes:")
    heard = () if isinstance(facts.heard, Unknown) else facts.heard.claims
    speaking = {one.advert.source for one in heard if not one.own}
    for node in others:
        answer = facts.answers.get(node.address)
        if node.address in speaking:
            yield fine(f"{node.name} ({node.address}) sends VRRP adverts")
        elif answer is None:
            yield unknown(f"{node.name} ({node.address}) does not answer ping; its link address is known from before")
        elif answer is Answer.SILENT:
            yield wrong(f"{node.name} ({node.address}) does not answer", f"ping {node.address}; is it up, and routed?")
        else:
            to = "ping" if answer is Answer.ECHO else "ARP or neighbour discovery, not ping"
            yield fine(f"{node.name} ({node.address}) answers {to}")
