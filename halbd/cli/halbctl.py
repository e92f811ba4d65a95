"""halbctl VERB: what people and scripts ask of halbd. One module per verb; only the wanted one loads what is heavy."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Protocol

from halbd import __version__
from halbd.cli import (
    diff,
    doctor,
    drain,
    history,
    lab,
    reload,
    render,
    schema,
    status,
    undrain,
    upgrade,
    validate,
    verdict,
)
from halbd.cli.options import Subparsers
from halbd.cli.out import complain
from halbd.model.errors import HalbdError, NoDaemonError


class Verb(Protocol):
    """What each of the verbs' modules offers."""

    def add(self, subparsers: Subparsers, /) -> None:
        """Add the verb to the command line."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Do it; the exit code. Raises HalbdError."""


VERBS: dict[str, Verb] = {
    "status": status,
    "check": verdict,
    "history": history,
    "validate": validate,
    "doctor": doctor,
    "render": render,
    "diff": diff,
    "reload": reload,
    "upgrade": upgrade,
    "drain": drain,
    "undrain": undrain,
    "schema": schema,
    "lab": lab,
}
EPILOG = """\
exit codes: 0 fine, 1 something is wrong, 2 usage or bad config, 3 no daemon answers
`halbctl VERB --help` says more.
"""


def main() -> int:
    """Run the verb. What the world refuses is one line on stderr, and an exit code by its kind."""
    try:
        code = run(parser())
        sys.stdout.flush()
    except NoDaemonError as problem:
        return failed(3, problem)
    except HalbdError as problem:
        return failed(1, problem)
    except BrokenPipeError:
        # The reader (head, less) has left. Point stdout elsewhere, or the interpreter's flush at exit complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def run(parser: argparse.ArgumentParser) -> int:
    """The verb's exit code; without a verb the help, which is a usage error. Raises HalbdError."""
    arguments = parser.parse_args()
    if arguments.verb:
        return VERBS[arguments.verb].run(arguments)
    parser.print_help()
    return 2


def failed(code: int, problem: HalbdError) -> int:
    """One line on stderr."""
    complain(f"halbctl: {problem}")
    return code


def parser() -> argparse.ArgumentParser:
    """The command line: every verb adds itself."""
    parser = argparse.ArgumentParser(
        prog="halbctl",
        description="Ask halbd on this node how it is, and what a new config would do.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"halbctl {__version__}")
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB")
    for module in VERBS.values():
        module.add(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
