"""halbctl drain: hand the VIPs over to a peer and hold none until it is undrained."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
from math import isfinite
from typing import Any

from halbd.cli.options import Subparsers, add_socket, verb
from halbd.cli.out import complain, say, say_json

PATIENCE = 60  # seconds: the VIPs are offered for ten at most


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "The VIPs are offered to the peers by a lowered priority, so that one takes them before they leave here. When\n"
        "nobody has taken them within a second (or what vrrp.advert_int needs), all is as before and the exit code 1.\n"
        "A drain outlives a restart and a reboot; `halbctl undrain` ends it.\n\n"
        "exit codes: 0 drained, 1 not drained: this node goes on as before, 2 usage, 3 no daemon answers\n"
    )
    parser = verb(subparsers, "drain", "hand the VIPs over to a peer, and hold none for maintenance", more)
    parser.add_argument(
        "--for", metavar="SECONDS", dest="seconds", type=positive, help="end it by itself then; default: never"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="give the VIPs up even if nobody takes them, and even if the drain cannot be remembered",
    )
    add_socket(parser)


def positive(text: str) -> float:
    """A number of seconds above 0. Raises ValueError, which argparse puts into words."""
    if not (isfinite(seconds := float(text)) and seconds > 0):
        raise ValueError(text)
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Ask for it, wait for the outcome and say it. Raises HalbdError."""
    from halbd.cli.client import ask
    from halbd.model.errors import HalbdError

    wanted = {"for": arguments.seconds, "force": arguments.force}
    answer = ask(arguments.socket, "POST", "/drain", known=(200, 400, 409), patience=PATIENCE, body=wanted)
    if arguments.json:
        say_json(answer.body)
        return {200: 0, 400: 2}.get(answer.status, 1)
    if answer.status == 400:  # --for is longer than the daemon allows
        complain(f"halbctl: {answer.body.get('error')}")
        return 2
    if answer.status != 200:
        raise HalbdError(str(answer.body.get("error")))
    for warning in answer.body.get("warnings", []):
        complain(f"warning: {warning}")
    say(f"{words(answer.body)}; {end(arguments.seconds)}")
    return 0


def words(body: dict[str, Any]) -> str:
    """What came of it."""
    after = f"{body.get('after_ms', 0):.0f} ms"
    said = {
        "moved": f"drained: the VIP has moved to another node after {after}",
        "not held": "drained: no VIP was held here",
        "forced": f"drained: nobody took the VIP, and it was given up after {after}",
        "already drained": "already drained",
    }
    return said.get(str(body.get("result")), "drained")


def end(seconds: float | None) -> str:
    """How it ends."""
    from halbd.cli.words import duration

    return f"ends by itself in {duration(seconds)}" if seconds else "`halbctl undrain` ends it"
