"""halbctl upgrade: the daemon becomes the newly installed program."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from halbd.cli.options import Subparsers, add_socket, verb
from halbd.cli.out import complain, say, say_json

PATIENCE = 60  # seconds: the new program rehearses its start before the old one gives its place up
RETURN = 60.0  # seconds that the new program may take until it answers
PAUSE = 0.05  # seconds between two questions


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "The VIP stays, no connection fails, and proxy and keepalived run on. Do it after an update of the package.\n\n"
        "exit codes: 0 the new program runs, 1 refused: the old one runs on, 2 usage, 3 no daemon answers\n"
    )
    add_socket(verb(subparsers, "upgrade", "have the daemon become the newly installed program, in place", more))


def run(arguments: argparse.Namespace) -> int:
    """Ask for it and wait until the new program answers. Raises HalbdError."""
    import time

    from halbd.cli.client import ask

    begun = time.monotonic()
    answer = ask(arguments.socket, "POST", "/upgrade", known=(202, 409), patience=PATIENCE)
    if answer.status != 202:
        return _refused(answer.body, as_json=arguments.json)
    status = _until_it_answers(arguments.socket, str(answer.body.get("started_at")))
    if why := status.get("daemon", {}).get("upgrade_failed"):
        return _refused({"error": f"cannot upgrade: {why}"}, as_json=arguments.json)
    before, after = answer.body.get("from"), status.get("halbd")
    took = round(time.monotonic() - begun, 3)
    if arguments.json:
        say_json({"from": before, "to": after, "took_s": took, "status": status})
        return 0
    say(f"halbd {before} became halbd {after} in {took:.1f} s")
    for problem in (status.get("config", {}).get("rejected") or {}).get("problems", []):
        complain(f"warning: the file on disk is not in force: {problem}")
    return 0


def _refused(body: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        say_json(body)
    else:
        complain(f"halbctl: {body.get('error')}\nhalbctl: the running halbd goes on, and nothing has changed")
    return 1


def _until_it_answers(socket: Path, before: str) -> dict[str, Any]:
    """Its status, told from the old program's by when it began; or the old one's, which could not execute the new one.

    Raises NoDaemonError where it does not come.
    """
    import time

    from halbd.cli.client import ask
    from halbd.model.errors import NoDaemonError

    end = time.monotonic() + RETURN
    while time.monotonic() < end:
        try:
            status = ask(socket, "GET", "/status").body
        except NoDaemonError:
            time.sleep(PAUSE)
            continue
        daemon = status.get("daemon", {})
        if daemon.get("started_at") != before or daemon.get("upgrade_failed"):
            return status
        time.sleep(PAUSE)
    raise NoDaemonError(
        f"cannot upgrade: no new halbd answers on {socket} within {RETURN:g} s. Proxy and keepalived run on without "
        "it, and halbd-check looks for itself; `journalctl -u halbd` says why"
    )
