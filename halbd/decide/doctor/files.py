"""halbd.yaml: has it problems, do the real programs take what is made of it, and is it the one in force?"""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor.said import fine, unknown, warning, with_config, wrong
from halbd.model.config import Config
from halbd.model.facts import Facts, Unknown
from halbd.model.findings import Said


def problems(facts: Facts) -> Iterator[Said]:
    """Every one of the file."""
    if isinstance(facts.config, Config):
        yield fine(f"{facts.file}: this node is {facts.config.node.name}")
        return
    for one in facts.config:
        place = f"{facts.file}:{one.line}" if one.line else facts.file
        where = f"{one.where}: " if one.where else ""
        yield wrong(f"{place}: {where}{one.what}", one.hint or f"correct {facts.file}")


@with_config
def accepted(config: Config, facts: Facts) -> Iterator[Said]:
    """By the programs' own checkers."""
    if isinstance(facts.refused, Unknown):
        yield unknown(facts.refused.why)
    elif facts.refused:
        yield wrong(facts.refused, "halbctl validate")
    else:
        yield fine(f"{config.proxy.kind} and keepalived accept what is made of it")


@with_config
def in_force(config: Config, facts: Facts) -> Iterator[Said]:
    """The file on disk against the daemon's copy."""
    if facts.in_force is None:
        yield fine("nothing is in force yet")
    elif facts.in_force == config.digest:
        yield fine("the file on disk is the one in force")
    else:
        yield warning("the file on disk is not the one in force", "halbctl diff, then halbctl reload")
