"""halbctl doctor: what stands in the way of this node, before and after the installation, and what cures it."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from halbd.cli.options import Subparsers, add_config, paths, verb
from halbd.cli.out import say, say_json

if TYPE_CHECKING:
    from halbd.cli.paint import Paint
    from halbd.model.config import Config
    from halbd.model.facts import Facts
    from halbd.model.findings import Finding

VERSION = 1
"""Of the JSON object: it changes when a field changes its meaning."""
HEADS = {"wrong": "Wrong", "warning": "Warnings", "unknown": "Not checked", "fine": "Fine"}
STYLES = {"wrong": "bad", "warning": "odd", "unknown": "odd", "fine": "good"}
WIDEST = 10_000
"""Columns of a sentence in a pipe or a file, where a line is to be found by grep(1)."""


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "It changes nothing, needs no running daemon, and takes a few seconds. What is wrong comes first, with why it\n"
        "matters and what cures it; what could not be looked at is said, and never counted as fine. Run it as root.\n"
        "Every check is in docs/doctor.md.\n\n"
        "exit codes: 0 nothing is wrong, 1 something is, 2 usage or bad config (the rest is looked at all the same)\n"
    )
    add_config(verb(subparsers, "doctor", "look for what stands in the way of this node", more))


def run(arguments: argparse.Namespace) -> int:
    """Gather, judge, tell."""
    from halbd.cli.loading import load, load_in_force
    from halbd.cli.paint import Paint
    from halbd.decide.doctor.catalog import examine
    from halbd.model.config import Config
    from halbd.system.doctor.gather import gather

    config = load(arguments.config, arguments.node)
    before = load_in_force(arguments.node)
    facts = gather(config, arguments.config, paths(), before.digest if before else None)
    findings = examine(facts)
    if arguments.json:
        say_json(described(facts, findings))
    else:
        say("\n".join(screen(facts, findings, Paint.of_stdout())))
    if not isinstance(config, Config):
        return 2
    return 1 if any(one.said.severity == "wrong" for one in findings) else 0


def described(facts: Facts, findings: Sequence[Finding]) -> dict[str, object]:
    """For scripts: wrong ones first, as on the screen."""
    config = readable(facts)
    return {
        "version": VERSION,
        "file": facts.file,
        "cluster": config.cluster if config else None,
        "node": config.node.name if config else None,
        "digest": config.digest if config else None,
        "at": facts.now.isoformat(),
        "ok": not any(one.said.severity == "wrong" for one in findings),
        "findings": [
            {
                "check": one.check,
                "group": one.group,
                "severity": one.said.severity,
                "what": one.said.what,
                "why": one.why,
                "cure": one.said.cure,
            }
            for one in findings
        ],
    }


def screen(facts: Facts, findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    """For people: a line each; why and cure below what is not fine. Nothing is cut, for a cure is to be copied."""
    config = readable(facts)
    counts = {key: sum(one.said.severity == key for one in findings) for key in HEADS}
    told = ", ".join(f"{HEADS[key].lower()}: {number}" for key, number in counts.items())
    yield paint("bold", f"{config.node.name} (cluster {config.cluster})" if config else facts.file) + f"   {told}"
    if config:
        yield paint("dim", f"digest of {facts.file}, the same on every node: {config.digest}")
    label = max((len(one.check) for one in findings), default=0) + 2
    for key, head in HEADS.items():
        its = [one for one in findings if one.said.severity == key]
        if its:
            yield ""
            yield paint(STYLES[key], head)
        for what in dict.fromkeys(one.said.what for one in its):
            same = [one for one in its if one.said.what == what]
            if len(same) > 1:
                yield from together(same, paint)
        alone = [one for one in its if sum(other.said.what == one.said.what for other in its) == 1]
        for before, one in zip([None, *alone], alone, strict=False):
            yield from lines(one, label, paint, again=before is not None and before.check == one.check)


def together(same: Sequence[Finding], paint: Paint) -> Iterator[str]:
    """Checks that all say the same, such as that the file has problems: the reason, then their names."""
    from halbd.cli.paint import printable

    yield f"  {printable(same[0].said.what)}:"
    names = ", ".join(dict.fromkeys(one.check for one in same))
    for line in textwrap.wrap(names, (paint.width or WIDEST) - 6, break_on_hyphens=False):
        yield f"      {line}"


def lines(one: Finding, label: int, paint: Paint, *, again: bool) -> Iterator[str]:
    """One finding; why is said once, above those of the same check that follow."""
    from halbd.cli.paint import printable

    width = (paint.width or WIDEST) - label - 2
    what, *rest = textwrap.wrap(printable(one.said.what), max(20, width), break_long_words=False) or [""]
    yield f"  {one.check.ljust(label)}{what}"
    below = " " * (label + 2)
    for line in rest:
        yield below + line
    if one.said.severity == "fine":
        return
    why = "" if again else f"why:  {one.why}"
    for line in textwrap.wrap(why, max(20, width), break_long_words=False, subsequent_indent=" " * 6):
        yield below + paint("dim", line)
    if one.said.cure:
        yield f"{below}cure: {printable(one.said.cure)}"  # whole, so that it can be copied


def readable(facts: Facts) -> Config | None:
    """The config, where it has no problems."""
    return None if isinstance(facts.config, tuple) else facts.config
