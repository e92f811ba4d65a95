"""What the verbs' command lines have in common."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from halbd.model.paths import Paths

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # argparse has no public name for it


def paths() -> Paths:
    """The three folders, from the environment."""
    return Paths.from_environment(os.environ)


def verb(subparsers: Subparsers, name: str, summary: str, more: str) -> argparse.ArgumentParser:
    """Add a verb with --json. `more` ends its help and names its exit codes."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return parser


def add_socket(parser: argparse.ArgumentParser) -> None:
    """Where the daemon listens."""
    parser.add_argument(
        "--socket", metavar="PATH", type=Path, default=paths().socket, help="the daemon's socket; default: %(default)s"
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Which file is read, and as which node."""
    parser.add_argument("--config", metavar="FILE", type=Path, default=paths().config_file, help="default: %(default)s")
    parser.add_argument("--node", metavar="NAME", help="see it as this node; default: found by this host's addresses")
