"""halbctl validate: is this file fit to be reloaded? By halbd's own rules, and then by the real programs."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse

from halbd.cli.options import Subparsers, add_config, verb
from halbd.cli.out import say, say_json


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "Every problem is one line, FILE:LINE: where: what; hint. A file without problems is rendered and given to\n"
        "haproxy -c or envoy --mode validate, and to keepalived -t. Nothing on disk or running changes.\n\n"
        "exit codes: 0 fine, 1 a program refuses what was rendered (or is not installed), 2 usage or bad config\n"
    )
    add_config(verb(subparsers, "validate", "check a config and name every problem", more))


def run(arguments: argparse.Namespace) -> int:
    """Parse, render, ask the checkers. Raises HalbdError."""
    from dataclasses import asdict

    from halbd.cli.loading import load, reject, rendered
    from halbd.model.config import Config
    from halbd.model.errors import HalbdError
    from halbd.system.checkers import check

    config = load(arguments.config, arguments.node)
    report: dict[str, object] = {"file": str(arguments.config), "node": None, "problems": [], "refused": None}
    if not isinstance(config, Config):
        if arguments.json:
            say_json(report | {"problems": [asdict(problem) for problem in config]})
            return 2
        return reject(arguments.config, config)
    try:
        check(rendered(config), config)
    except HalbdError as problem:
        if arguments.json:
            say_json(report | {"node": config.node.name, "refused": str(problem)})
        raise
    if arguments.json:
        say_json(report | {"node": config.node.name})
    else:
        say(f"{arguments.config} is fine; this node is {config.node.name}")
    return 0
