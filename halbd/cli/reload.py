"""halbctl reload: make the file on disk the config in force."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse

from halbd.cli.options import Subparsers, add_socket, verb
from halbd.cli.out import complain, say, say_json

PATIENCE = 60  # seconds: a reload waits for the checkers and for the proxy's new worker


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "exit codes: 0 in force (or nothing to do), 1 refused by a checker, the proxy or the kernel: nothing changed,\n"
        "2 the file is wrong: nothing changed, 3 no daemon answers\n"
    )
    add_socket(verb(subparsers, "reload", "make the file on disk the config in force, by the smallest action", more))


def run(arguments: argparse.Namespace) -> int:
    """Ask for it and say what was done. Raises HalbdError."""
    from halbd.cli.client import ask
    from halbd.model.errors import HalbdError

    answer = ask(arguments.socket, "POST", "/reload", known=(200, 409, 422), patience=PATIENCE)
    if arguments.json:
        say_json(answer.body)
        return {200: 0, 422: 2}.get(answer.status, 1)
    if answer.status == 422:
        complain("\n".join(answer.body.get("problems", [])))
        complain("halbctl: cannot reload: the file is wrong; nothing changed")
        return 2
    if answer.status != 200:
        raise HalbdError(f"cannot reload: {answer.body.get('error')}")
    for warning in answer.body.get("warnings", []):
        complain(f"warning: {warning}")
    say("\n".join(answer.body.get("actions", [])) or "nothing to do: the file is in force already")
    return 0
