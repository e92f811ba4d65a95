"""halbd --dry-run: everything of a start that changes nothing. What an upgrade asks the new program before it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from halbd import __version__
from halbd.daemon import start
from halbd.daemon.generation import WrongFileError
from halbd.daemon.loaded import Request
from halbd.model.errors import HalbdError
from halbd.model.paths import Paths


def rehearse(config_file: Path, node: str | None, paths: Paths) -> int:
    """Say whether it would start: 0 it would, 1 the world is in the way, 2 the config is wrong."""
    try:
        begun = asyncio.run(start.rehearse(Request(paths, config_file, node)))
    except WrongFileError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 2
    except (HalbdError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for why in begun.rejected:
        sys.stderr.write(f"not the file on disk, but the last good generation: {why}\n")
    sys.stdout.write(f"halbd {__version__} would start\n")
    return 0
