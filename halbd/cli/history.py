"""halbctl history: when the VIPs moved, and why."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from halbd.cli.options import Subparsers, add_socket, paths, verb
from halbd.cli.out import complain, say, say_json


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "When no daemon answers, the file in STATE_DIRECTORY is read instead.\n\n"
        "exit codes: 0 fine, 2 usage, 3 neither a daemon nor the file\n"
    )
    parser = verb(subparsers, "history", "list the transitions of the VIPs, oldest first", more)
    add_socket(parser)
    parser.add_argument("--limit", metavar="N", type=count, default=50, help="the newest N; default: %(default)s")


def count(text: str) -> int:
    """A number from 1. Raises ValueError, which argparse puts into words."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def run(arguments: argparse.Namespace) -> int:
    """Print the transitions. Raises HalbdError."""
    from datetime import UTC, datetime

    from halbd.cli.paint import Paint, columns, printable
    from halbd.cli.screen import move

    found = transitions(arguments)
    if arguments.json:
        say_json({"transitions": found})
        return 0
    paint, now = Paint.of_stdout(), datetime.now(UTC)
    for row in columns([move(transition, now) for transition in found]):
        say(paint.cut(printable("  ".join(row)).rstrip()))
    return 0


def transitions(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """From the daemon, else from its file. Raises NoDaemonError when there is neither."""
    from halbd.cli.client import ask
    from halbd.model.errors import NoDaemonError

    try:
        body = ask(arguments.socket, "GET", f"/history?limit={arguments.limit}").body
        return list(body.get("transitions", []))
    except NoDaemonError as problem:
        file = paths().history
        try:
            found = from_file(file)[-arguments.limit :]
        except OSError as missing:
            raise NoDaemonError(f"{problem}; and cannot read {file}: {missing.strerror}") from missing
        complain(f"halbctl: {problem}; this is from {file}")
        return found


def from_file(file: Path) -> list[dict[str, Any]]:
    """One transition per line; a line torn by a crash is passed over. Raises OSError."""
    import json

    found = []
    for line in file.read_bytes().splitlines():
        try:
            transition = json.loads(line)
        except ValueError:
            continue
        if isinstance(transition, dict):
            found.append(transition)
    return found
