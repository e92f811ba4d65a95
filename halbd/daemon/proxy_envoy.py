"""Envoy: one process for its life; it takes up new files by itself, and halbd sees to it that it did.

By the time that anything here is called the link to the generation in force has been swapped, which is Envoy's sign.
"""

from __future__ import annotations

import asyncio
import contextlib
import os.path
import time
from collections import deque
from dataclasses import replace
from ipaddress import ip_address

from halbd.daemon.admin_socket import AdminSocket
from halbd.decide.change import Change
from halbd.model.config import Config, LogLevel
from halbd.model.effects import CutConnections
from halbd.model.errors import FailedError, HalbdError, RejectedError
from halbd.model.evidence import FrontendView, ProxyView
from halbd.model.paths import Paths
from halbd.render.envoy import versions
from halbd.system import envoy, generations, sock_diag
from halbd.system.helper import ask
from halbd.system.programs import low_port_capabilities, proxy_account, proxy_binary

DEADLINE = 10.0
"""Seconds that Envoy may take until a generation is in force; it is some 10 ms."""
SETTLED = 1.0
"""Seconds after which a generation that Envoy has rejected in part is given up."""
WARM = 5.0
"""Seconds for which a cluster that has taken up its file may go on judging its servers before it takes over."""
PATIENCE = 1.0
"""Seconds for one answer."""
PAUSE = 0.02
"""Seconds between two questions."""
LOOK = 1.0
"""Seconds between two looks at one that has been handed over from."""

_LEVELS = {
    "trace": LogLevel.DEBUG,
    "debug": LogLevel.DEBUG,
    "info": LogLevel.INFO,
    "warning": LogLevel.WARNING,
    "error": LogLevel.ERROR,
    "critical": LogLevel.ERROR,
}


class Envoy:
    """See `halbd.daemon.proxy.Proxy`."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._socket = AdminSocket(paths.admin_socket)
        self._aside: dict[int, AdminSocket] = {}
        self._away: frozenset[str] = frozenset()
        self._version = ""
        self._complaints: deque[str] = deque(maxlen=3)

    def command(self, config: Config) -> list[str]:
        """Without privileges but for ports below 1024."""
        self._socket.forget()  # it makes its own
        capabilities = low_port_capabilities(config)
        return envoy.command(proxy_binary(config.proxy), self._paths, proxy_account(config.proxy), capabilities)

    async def serves(self, config: Config) -> None:
        """Within the deadline and a round of checks: it listens only when every server has been judged once.

        A port that somebody else holds does not end it: it would run, and not serve, for ever.
        """
        first_checks = max(frontend.check.timeout for frontend in config.frontends)
        await self._confirm("start", DEADLINE + first_checks, 0)  # it counts what it rejects from its start

    async def view(self, config: Config, within: float) -> ProxyView:
        """By `/clusters`. A frontend that it does not list has no server; while Envoy begins, they are starting.

        But only if it was away the last time, too: one that is just being removed is not missed.
        """
        seen = await envoy.view(self._paths, within)
        with contextlib.suppress(OSError):  # nothing but the words of status depends on it
            self._version = await envoy.running_version(self._paths, within)
        seen = replace(seen, version=self._version)
        names = {one.name for one in seen.frontends}
        away = [one for one in config.frontends if one.name not in names]
        missed = [one for one in away if one.name in self._away]
        self._away = frozenset(one.name for one in away)
        if not missed:
            return seen
        ready = await envoy.ready(self._paths, within)
        views = (FrontendView(one.name, ()) if ready else envoy.starting(one) for one in missed)
        return replace(seen, frontends=(*seen.frontends, *views))

    async def take_up(self, change: Change) -> None:  # noqa: ARG002  # what changed is all the same to Envoy
        """It has, or will within milliseconds."""
        await self.reload()

    async def reload(self) -> None:
        """It needs no asking; but what it has not taken up is as if it had not been written."""
        await self._confirm("change the running", DEADLINE, None)

    async def complaint(self) -> str:
        """At each rename in the state folder it reads them."""
        said = await self._words()
        self._complaints.clear()
        return said

    async def cut_connections(self, server: CutConnections, pid: int | None) -> None:
        """Envoy has no command for it: so by the kernel, in this process and in those that made room for it."""
        await asyncio.to_thread(self._cut, server, pid)

    def _cut(self, server: CutConnections, pid: int | None) -> None:
        host, _, port = server.address.rpartition(":")
        found = sock_diag.connections_to(ip_address(host.strip("[]")), int(port))
        pids = [*([pid] if pid else []), *envoy.set_aside(self._paths)]
        own = ask.holders((one.inode for one in found), pids, ask.LATER)
        sock_diag.destroy(tuple(one for one in found if one.inode in own))

    def step_aside(self, pid: int) -> None:
        """Its socket gets another name, so that the next one can make its own: that would remove it, else."""
        try:
            self._paths.admin_socket.rename(envoy.aside(self._paths, pid))
        except OSError as error:
            raise FailedError(
                f"cannot hand over to another envoy: {self._paths.admin_socket}: {error.strerror}"
            ) from error
        self._aside[pid], self._socket = self._socket, AdminSocket(self._paths.admin_socket)
        self._aside[pid].renamed(envoy.aside(self._paths, pid))

    def step_back(self, pid: int) -> None:
        """The old name."""
        with contextlib.suppress(OSError):  # it was never renamed
            envoy.aside(self._paths, pid).rename(self._paths.admin_socket)
        if before := self._aside.pop(pid, None):
            self._socket.forget()
            self._socket = before
            self._socket.renamed(self._paths.admin_socket)

    def stepped_aside(self, pid: int) -> bool:
        """By its socket's name, which survives a daemon that crashes, if only as a link that leads nowhere."""
        return os.path.lexists(envoy.aside(self._paths, pid))

    async def retire(self, pid: int) -> None:
        """It closes its listeners, and takes no new one whatever becomes of lds.json."""
        socket = self._aside.setdefault(pid, AdminSocket(envoy.aside(self._paths, pid)))
        carries = True
        while carries:
            carries = await self._carries(pid, socket)
            await asyncio.sleep(LOOK)

    async def _carries(self, pid: int, socket: AdminSocket) -> bool:
        """Whether a client is connected to it, as far as is known; the kernel knows of one that nobody can ask."""
        try:
            socket.mute()
            await envoy.drain(socket.name, PATIENCE)
            return await envoy.connections(socket.name, PATIENCE) > 0
        except OSError:
            if socket.kept:
                return True  # asked again
        with contextlib.suppress(HalbdError):
            return await asyncio.to_thread(_has_clients, pid)
        return True

    def forget(self, pid: int) -> None:
        """Its socket, which it does not remove when it is killed."""
        if socket := self._aside.pop(pid, None):
            socket.forget()
        with contextlib.suppress(OSError):
            envoy.aside(self._paths, pid).unlink()

    def mute(self) -> bool:
        """By its only socket."""
        return self._socket.mute()

    async def speak(self, pid: int) -> None:  # noqa: ARG002  # as the protocol has it
        """By a link to its socket, which is there by now; one that no daemon had kept open is lost."""
        if not self._socket.kept:
            raise FailedError(
                "envoy's admin socket was removed while no halbd ran: it serves on, cannot be asked or changed, and is "
                "started anew as soon as this node holds no VIP"
            )

    def level(self, line: str) -> LogLevel:
        """The line's first word, by our --log-format; one that has none goes on with the line before."""
        word, _, rest = line.partition(" ")
        if "Filesystem config update" in rest:
            self._complaints.append(rest.partition(" ")[2])
        return _LEVELS.get(word, LogLevel.INFO)

    async def _confirm(self, what: str, within: float, rejections: int | None) -> None:
        """Return once every file of the generation in force is what Envoy runs on.

        `rejections`: how many it had counted before it could see that generation, where that is known.

        Raises:
            RejectedError: it has rejected something.
            FailedError: it gives no answer, or does not get there in time.
        """
        self._complaints.clear()
        try:
            await self._taken_up_within(within, rejections)
        except FailedError as error:
            raise type(error)(f"cannot {what} envoy: {error}") from error
        finally:
            self._complaints.clear()  # told; one that comes later is of a file that somebody changes

    async def _taken_up_within(self, within: float, before: int | None) -> None:
        """Wait for that. Raises as `_confirm`: RejectedError in Envoy's own words.

        Told by the versions and not by the log: between two renames Envoy may find a file missing, and try again.
        What it may have rejected already, and what it has of earlier files, are told apart by having it read once more.
        """
        begun, why, rejected = time.monotonic(), "", False
        settled = begun + SETTLED
        while time.monotonic() < begun + within and not (rejected and time.monotonic() > settled):
            try:
                if await self._taken_up(time.monotonic() - begun):
                    return
                count = await envoy.rejections(self._paths, PATIENCE)
                if before is None:
                    before, settled = count, time.monotonic() + SETTLED
                    await asyncio.to_thread(generations.sign, self._paths)
                rejected = count > before
                why = "it does not take up the new files"
            except OSError as error:
                why = str(error) or "its admin socket does not answer in time"
            except (ValueError, LookupError, TypeError) as error:
                raise FailedError(f"its files in {self._paths.current} make no sense: {error}") from error
            await asyncio.sleep(PAUSE)
        if rejected:
            raise RejectedError(await self._words() or why)
        raise FailedError(why)

    async def _taken_up(self, waited: float) -> bool:
        """Read anew each time: while a process starts, another generation may be put in force.

        It must serve on them as well (`/ready`), and no cluster of before may still stand in for a new one, unless that
        has been waited for (seconds) for long: a server that never answers its check is none of the file's fault.
        """
        wanted = versions(await asyncio.to_thread(generations.installed, self._paths))
        if not wanted.items() <= (await envoy.in_force(self._paths, PATIENCE)).items():
            return False
        ready = await envoy.ready(self._paths, PATIENCE)
        return ready and (waited > WARM or not await envoy.warming(self._paths, PATIENCE))

    async def _words(self) -> str:
        """What Envoy says of its listeners on the admin socket, and of all else only in its log."""
        with contextlib.suppress(OSError):
            if said := await envoy.listener_errors(self._paths, PATIENCE):
                return said
        return "; ".join(self._complaints)


def _has_clients(pid: int) -> bool:
    """Also where nobody may look into it. Raises HalbdError."""
    return ask.program(pid) is None or bool(ask.holders((c.inode for c in sock_diag.accepted()), (pid,), ask.LATER))
