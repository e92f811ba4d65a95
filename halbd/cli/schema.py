"""halbctl schema: the JSON Schema of halbd.yaml, for editors."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse

from halbd.cli.options import Subparsers, verb
from halbd.cli.out import say_json


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = "It is JSON with and without --json.\n\nexit codes: 0 fine, 2 usage\n"
    verb(subparsers, "schema", "print the JSON Schema of halbd.yaml, for completion in editors", more)


def run(_arguments: argparse.Namespace) -> int:
    """Print it."""
    from halbd.parse.schema_json import schema

    say_json(schema())
    return 0
