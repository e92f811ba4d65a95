"""halbd --clear: the end of what a daemon that is gone has left running, where no other one will take it up.

The proxy outlives a crash of the daemon, for the next one. Where systemd is told to stop halbd before there is a next
one, or has to kill a daemon that does not stop, nobody hands the VIP over and ends the proxy. This does.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from signal import SIGKILL, SIGTERM

from halbd.daemon.noted import FILES, already_running, started
from halbd.daemon.only_one import OnlyOne
from halbd.model.child import Program
from halbd.model.errors import HalbdError
from halbd.model.paths import FAULT, Paths
from halbd.system import files, process, programs
from halbd.system.process import Identity

PATIENCE = 10.0
"""Seconds that they have to end; keepalived needs some to take its VIPs off."""
SIGNALS = {Program.PROXY: SIGKILL, Program.KEEPALIVED: SIGTERM}
"""keepalived must take its VIPs off itself (keepalived(8)); the proxy has nobody left to be polite to."""


def clear(paths: Paths) -> int:
    """Give the VIPs up, end what is left: 0 nothing is left, 1 a daemon runs, or something does not end."""
    try:
        with OnlyOne(paths):
            # First: keepalived acts on it within a millisecond, and a VIP without a proxy is of no use to anybody.
            files.overwrite(paths.track_folder / FAULT, "1\n")
            for program, number in SIGNALS.items():
                for who in _left(paths, program):
                    sys.stdout.write(f"ending {program} {who.pid}, which a halbd that is gone left running\n")
                    process.send(who, number)
                    asyncio.run(_ended(who))
    except TimeoutError:
        sys.stderr.write(f"cannot clear: {who.pid} does not end\n")
        return 1
    except (HalbdError, OSError) as error:
        sys.stderr.write(f"nothing was ended: {error}\n")
        return 1
    return 0


def _left(paths: Paths, program: Program) -> set[Identity]:
    """Those that were handed over from too."""
    accounts = _accounts(paths)
    noted = already_running(paths, program, accounts)
    found = {one for name in FILES[program] for one in started(paths, name, accounts)}
    return found | {noted.who} if noted else found


def _accounts(paths: Paths) -> frozenset[int]:
    """Those that the proxy may have: its folder was given to its group. The file may name another account by now."""
    with contextlib.suppress(FileNotFoundError):
        return programs.accounts_of(paths.proxy_folder.stat().st_gid)
    return frozenset()


async def _ended(who: Identity) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ProcessLookupError):  # it was gone before it could be watched
            await process.ended(who)
