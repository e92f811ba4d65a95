"""halbctl render: the files that halbd would write for this node."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from halbd.cli.options import Subparsers, add_config, verb
from halbd.cli.out import say, say_json

if TYPE_CHECKING:
    from halbd.model.files import File, FileSet

HIDDEN = "# not shown: it holds a secret; --output FOLDER writes it"


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = "exit codes: 0 fine, 1 the folder cannot be written or holds other files, 2 usage or bad config\n"
    parser = verb(subparsers, "render", "print or write the files that halbd would generate", more)
    add_config(parser)
    parser.add_argument("--output", metavar="FOLDER", type=Path, help="write them there instead of printing them")


def run(arguments: argparse.Namespace) -> int:
    """Print or write the files. Raises HalbdError."""
    from halbd.cli.loading import load, reject, rendered
    from halbd.model.config import Config

    config = load(arguments.config, arguments.node)
    if not isinstance(config, Config):
        return reject(arguments.config, config)
    files = rendered(config)
    if arguments.output:
        write(files, arguments.output)
    if arguments.json:
        say_json({"files": [described(file) for file in files.files]})
    elif not arguments.output:
        for file in files.files:
            say(f"# ==> {file.name} <==\n{HIDDEN if file.secret else file.text}")
    return 0


def described(file: File) -> dict[str, object]:
    """One file for scripts; a secret one without its text."""
    text = None if file.secret else file.text
    return {"name": file.name, "mode": f"{file.mode:04o}", "secret": file.secret, "text": text}


def write(files: FileSet, folder: Path) -> None:
    """Write every file with its mode. Raises HalbdError; nothing is written to a folder that is not ours."""
    from halbd.model.errors import HalbdError
    from halbd.system.files import write as put

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if other := foreign(folder):
            raise HalbdError(f"cannot write to {folder}: {other} there was not written by halbd; name an empty folder")
        for file in files.files:
            put(folder / file.name, file.text.encode(), file.mode)
    except OSError as problem:
        raise HalbdError(f"cannot write to {folder}: {problem.strerror}") from problem


def foreign(folder: Path) -> str:
    """The name of something in the folder that halbd did not write, or "". Raises OSError."""
    from halbd.render.words import HEADER

    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or not path.read_bytes().startswith(HEADER.encode()):
            return path.name
    return ""
