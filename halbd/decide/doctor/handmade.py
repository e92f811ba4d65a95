"""A node that holds the VIP without halbd: a hand-made pair that serves, where a cure must not be an outage."""

from __future__ import annotations

from halbd.model.config import Config
from halbd.model.facts import Facts, Unknown

HALBD = "halbd.service"
RUNNING = {"active", "reloading"}
"""ActiveState= of a unit that does its work."""
PAGE = "docs/how-to/moving-over.md"


def first(facts: Facts, cure: str) -> str:
    """The cure; and, where it would stop what clients are using, how to move the VIP away before."""
    if not isinstance(facts.config, Config):
        return f"correct {facts.file} first: until then nobody knows whether this node holds a VIP"
    if not _serves(facts.config, facts):
        return cure
    return f"not yet, this node holds the VIP: {PAGE} moves it to the other node first, and only then: {cure}"


def _serves(config: Config, facts: Facts) -> bool:
    unit = None if isinstance(facts.units, Unknown) else facts.units.get(HALBD)
    here = {one.address.ip for one in facts.addresses}
    return any(vip.address in here for vip in config.vips) and (unit is None or unit.active not in RUNNING)
