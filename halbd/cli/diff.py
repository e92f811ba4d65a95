"""halbctl diff: what a reload would change."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from halbd.cli.options import Subparsers, add_config, paths, verb
from halbd.cli.out import say, say_json

if TYPE_CHECKING:
    from halbd.model.config import Config
    from halbd.model.files import FileSet


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = (
        "Compares what FILE renders to now with the generation in force below STATE_DIRECTORY, and names the actions\n"
        "that `halbctl reload` would take. Secret files are named, not shown.\n\n"
        "exit codes: 0 fine (with --exit-code: no difference), 1 the generation in force cannot be read (with\n"
        "--exit-code also: there are differences), 2 usage or bad config\n"
    )
    parser = verb(subparsers, "diff", "show what a reload would change", more)
    add_config(parser)
    parser.add_argument("--exit-code", action="store_true", help="exit 1 when there are differences, as git diff does")


def run(arguments: argparse.Namespace) -> int:
    """Print the differences and the actions. Raises HalbdError."""
    from halbd.cli.loading import load, reject, rendered
    from halbd.model.config import Config

    config = load(arguments.config, arguments.node)
    if not isinstance(config, Config):
        return reject(arguments.config, config)
    new, old = rendered(config), in_force()
    changed = differences(old, new)
    said = actions(old, config, new, arguments)
    if arguments.json:
        say_json({"changed": changed, "actions": said})
    else:
        say("\n".join([*changed.values(), *(f"# {action}" for action in said)]) or "no change")
    return 1 if arguments.exit_code and changed else 0


def in_force() -> FileSet:
    """The generation that the daemon runs; empty where there is none yet. Raises HalbdError."""
    from halbd.model.errors import HalbdError
    from halbd.system.generations import installed

    try:
        return installed(paths())
    except OSError as problem:
        raise HalbdError(f"cannot read what is in force: {problem.filename}: {problem.strerror}") from problem


def differences(old: FileSet, new: FileSet) -> dict[str, str]:
    """By file name: the unified diff, or only a word where either side is secret."""
    from difflib import unified_diff

    names = sorted({file.name for files in (old, new) for file in files.files})
    secret = {file.name for files in (old, new) for file in files.files if file.secret}
    changed = {}
    for name in names:
        before, after = old.text(name), new.text(name)
        if before == after:
            continue
        if name in secret:
            changed[name] = f"{name}: changed (secret, not shown)"
            continue
        lines = unified_diff(before.splitlines(), after.splitlines(), f"in force/{name}", f"new/{name}", lineterm="")
        changed[name] = "\n".join(lines)
    return changed


def actions(old: FileSet, config: Config, new: FileSet, arguments: argparse.Namespace) -> list[str]:
    """What `halbctl reload` would do, in words, and what it would warn of."""
    from halbd.cli.loading import load_in_force
    from halbd.decide.change import change

    if not old.files:
        return ["nothing is in force yet: the daemon puts this there when it starts"]
    before = load_in_force(arguments.node)
    if before is None:
        return ["what a reload would do is not known: the file that is in force cannot be read any more"]
    planned = change(before, old, config, new)
    return [*planned.actions, *(f"warning: {warning}" for warning in planned.warnings)]
