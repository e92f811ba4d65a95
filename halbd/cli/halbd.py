"""halbd: the daemon, in the foreground. Here only its arguments; a usage error must not wait for the libraries."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from halbd import __version__
from halbd.model.paths import Paths

EPILOG = """\
SIGHUP reloads the config; SIGTERM hands the VIP over, then ends the proxy and stops.
Files lie below CONFIGURATION_DIRECTORY (/etc/halbd), RUNTIME_DIRECTORY (/run/halbd)
and STATE_DIRECTORY (/var/lib/halbd).

exit codes: 0 stopped, 1 failed, 2 bad config or usage
"""


def main() -> int:
    """Read the arguments, then become the daemon. Returns its exit code; usage errors leave with 2."""
    paths = Paths.from_environment(os.environ)
    arguments = parser(paths).parse_args()
    if arguments.helper:
        from halbd.system.helper.serve import serve  # noqa: PLC0415  # as below

        return serve()
    if arguments.clear:
        from halbd.daemon.clearing import clear  # noqa: PLC0415  # as below

        return clear(paths)
    from halbd.daemon.main import run  # noqa: PLC0415  # the daemon's libraries take longer than a usage error may

    if arguments.dry_run:
        from halbd.daemon.rehearsal import rehearse  # noqa: PLC0415  # as above

        return rehearse(arguments.config, arguments.node, paths)
    return run(arguments.config, arguments.node, paths)


def parser(paths: Paths) -> argparse.ArgumentParser:
    """The command line, without abbreviations: a unit file that says what it means survives a new option."""
    parser = argparse.ArgumentParser(
        prog="halbd",
        description="Own this load balancer: write both configs, run the proxy, decide who may hold the VIP.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", type=Path, default=paths.config_file, help="default: %(default)s")
    parser.add_argument("--node", metavar="NAME", help="which of `nodes` this is; default: found by its own addresses")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say whether it would start on what is on disk, and change nothing",
    )
    parser.add_argument(
        "--clear",
        action="store_true",
        help="end what a daemon that is gone left running, and this node's claim to a VIP; not while a daemon runs",
    )
    parser.add_argument(
        "--helper",
        action="store_true",
        help="look into other processes and open packet sockets for the daemon; halbd-helper.socket starts it",
    )
    parser.add_argument("--version", action="version", version=f"halbd {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
