"""halbctl check: what GET /check says, in words. The name check.py belongs to halbd-check, which keepalived runs."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse

from halbd.cli.options import Subparsers, add_socket, verb
from halbd.cli.out import say, say_json


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = "exit codes: 0 it may, 1 it may not or nobody knows, 2 usage, 3 no daemon answers\n"
    add_socket(
        verb(subparsers, "check", "say whether this node may hold the VIP, as the daemon tells keepalived", more)
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict and its reasons. Raises HalbdError."""
    from halbd.cli.client import ask

    answer = ask(arguments.socket, "GET", "/check", known=(200, 503))
    if arguments.json:
        say_json(answer.body)
    else:
        say("\n".join(lines(answer.body)))
    return 0 if answer.status == 200 and answer.body.get("ok") and not answer.body.get("stale") else 1


def lines(body: dict[str, object]) -> list[str]:
    """The verdict first, then each reason."""
    from datetime import UTC, datetime

    from halbd.cli.advice import advice
    from halbd.cli.paint import printable
    from halbd.cli.words import lasting

    if body.get("stale"):
        said = "unknown: the daemon's evidence is stale or not there yet; halbd-check looks for itself"
    else:
        said = "may hold the VIP" if body.get("ok") else "may NOT hold the VIP"
    text = [f"this node {said}" if not body.get("stale") else said]
    reasons = body.get("reasons")
    for reason in reasons if isinstance(reasons, list) else []:
        text.append(
            f"  {reason['cause']}, {lasting(reason['since'], datetime.now(UTC))}: {printable(reason['detail'])}"
        )
        if hint := advice(reason["cause"], {}):
            text.append(f"  -> {hint}")
    return text
