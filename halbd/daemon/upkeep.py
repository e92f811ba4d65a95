"""Puts back what somebody removes from the runtime and the state folder, before keepalived's check fails twice.

keepalived runs halbd-check each second, and needs two failures: so there is a look four times as often.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from halbd.daemon.children import Children
from halbd.daemon.door import Door
from halbd.daemon.drainer import Drainer
from halbd.daemon.hands import Hands
from halbd.daemon.only_one import OnlyOne
from halbd.daemon.proxy import Proxy
from halbd.daemon.restorer import Restorer
from halbd.model.errors import HalbdError
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system import files
from halbd.system.surroundings import put_check_program_back

PERIOD = 0.25
"""Seconds between two looks."""
SETTLED = 2
"""Looks in a row in which the proxy's sockets must be missing: while it is reloaded they are for a moment."""
WALLED = 8
"""Looks in a row after which the daemon ends for a folder that it cannot make: the next one is given it."""
STARTED = 30.0
"""Seconds after which a proxy that was never heard should have made its sockets."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that has a part in the two folders."""

    paths: Paths
    only_one: OnlyOne
    door: Door
    hands: Hands
    children: Children
    restorer: Restorer
    drainer: Drainer
    proxy: Proxy
    state: Callable[[], State]


class Upkeep:
    """Two loops: a disk that stalls below the state folder must not keep the runtime folder from being mended."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._missing = 0
        self._failed: dict[str, str] = {}

    async def runtime(self) -> None:
        """See to the runtime folder, for ever. Raises HalbdError where only a new start gives it back."""
        await self._again(self._runtime, "runtime folder", self._kept.paths.runtime)

    async def state(self) -> None:
        """See to the state folder, for ever. Raises HalbdError where only a new start gives it back."""
        await self._again(self._state, "state folder", self._kept.paths.state)

    async def _again(self, look: Callable[[], Awaitable[None]], what: str, folder: Path) -> None:
        walled = 0
        while True:
            await asyncio.sleep(PERIOD)
            why = ""
            try:
                await look()
            except (HalbdError, OSError) as error:
                why = str(error)
                walled = walled + 1 if _walled_in(error, folder) else 0
                if walled == WALLED:
                    raise HalbdError(f"cannot put {folder} back: only systemd can, by starting halbd anew") from error
            if why and why != self._failed.get(what):
                self._log.error("folder.not_put_back", what=what, why=why)
            if why or not self._missing:
                self._failed[what] = why

    async def _runtime(self) -> None:
        kept = self._kept
        files.folder(kept.paths.track_folder)
        if not kept.paths.socket.exists():
            self._log.error("folder.put_back", folder=str(kept.paths.runtime))
        kept.only_one.put_back()
        await kept.door.put_back()
        kept.children.note_again()
        kept.hands.put_back()
        await self._proxy()

    async def _proxy(self) -> None:
        kept, state = self._kept, self._kept.state()
        if state.proxy.running and not kept.paths.proxy_folder.exists():
            kept.children.make_proxy_folder(state.config)
        self._missing = self._missing + 1 if self._begun() and kept.proxy.mute() else 0
        if self._missing and self._missing % SETTLED == 0:
            await self._kept.restorer.proxy_sockets()

    def _begun(self) -> bool:
        """The proxy runs, and is not about to make its sockets."""
        state = self._kept.state()
        since = state.proxy.started
        late = since is not None and time.monotonic() - since.mono > STARTED
        return state.proxy.running and (state.view is not None or late)

    async def _state(self) -> None:
        await self._kept.restorer.generation()
        await asyncio.to_thread(put_check_program_back, self._kept.paths)
        await self._kept.drainer.put_back()


def _walled_in(error: Exception, folder: Path) -> bool:
    """The folder itself is gone, and the sandbox (ProtectSystem=, systemd.exec(5)) allows nobody to make another.

    systemd makes it at the next start. The proxy and keepalived run on until then, and are taken up. A disk that has
    become read-only is another thing: its folders are still there.
    """
    sandboxed = "NOTIFY_SOCKET" in os.environ
    return sandboxed and isinstance(error, OSError) and error.errno == errno.EROFS and not folder.exists()
