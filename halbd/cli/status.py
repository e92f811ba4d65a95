"""halbctl status: how this node is."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse

from halbd.cli.options import Subparsers, add_socket, verb
from halbd.cli.out import say, say_json

TROUBLES = (
    ("config", "rejected"),
    ("keepalived", "hung"),
    ("keepalived", "stopped"),
    ("keepalived", "silent"),
    ("proxy", "mute"),
    ("helper", "why"),
)
"""Fields of the status object which say that something is not as it should be, though the node may be healthy."""


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "exit codes: 0 healthy, nothing rejected, no file put right three times, keepalived and helper well; "
        "1 not so, 2 usage, 3 no daemon answers\n"
    )
    add_socket(verb(subparsers, "status", "say who holds the VIP, whether this node is well, and why not", more))


def run(arguments: argparse.Namespace) -> int:
    """Print the screen or the object. Raises HalbdError."""
    from datetime import UTC, datetime

    from halbd.cli.client import ask
    from halbd.cli.paint import Paint
    from halbd.cli.screen import AGAIN, screen

    status = ask(arguments.socket, "GET", "/status").body
    if arguments.json:
        say_json(status)
    else:
        say(screen(status, datetime.now(UTC), Paint.of_stdout()))
    wrong = any((status.get(part) or {}).get(sign) for part, sign in TROUBLES)
    mended = (status.get("config") or {}).get("mended") or {}
    fought = mended.get("times", 1) >= AGAIN
    return 0 if status.get("healthy") and not wrong and not fought else 1
