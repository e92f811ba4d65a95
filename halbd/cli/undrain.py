"""halbctl undrain: let this node hold the VIPs again."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse

from halbd.cli.options import Subparsers, add_socket, verb
from halbd.cli.out import complain, say, say_json


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = "exit codes: 0 not drained any more, or not drained at all, 2 usage, 3 no daemon answers\n"
    add_socket(verb(subparsers, "undrain", "end a drain: this node may hold the VIPs again", more))


def run(arguments: argparse.Namespace) -> int:
    """Ask for it and say what was done. Raises HalbdError."""
    from halbd.cli.client import ask

    answer = ask(arguments.socket, "POST", "/undrain")
    if arguments.json:
        say_json(answer.body)
        return 0
    for warning in answer.body.get("warnings", []):
        complain(f"warning: {warning}")
    if answer.body.get("result") == "undrained":
        say("undrained: this node takes part in the election again, and the preferred one takes its VIPs back")
    elif not answer.body.get("tried_again"):
        say("nothing to do: this node is not drained")
    for vip in answer.body.get("tried_again", []):
        say(f"{vip} went unserved here, and is tried again")
    return 0
