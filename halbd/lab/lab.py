"""The lab: every node of one config on one machine, from nothing to steady and back to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from halbd.decide.life import SETTLED
from halbd.lab import ask, booted, document, namespaces, record
from halbd.lab.certs import Authority
from halbd.lab.chronicle import Chronicle
from halbd.lab.command import run
from halbd.lab.errors import LabError
from halbd.lab.holders import Holders
from halbd.lab.names import Names
from halbd.lab.network import Network
from halbd.lab.plan import Plan, StandIn
from halbd.lab.steady import unsteady
from halbd.lab.tasks import Tasks
from halbd.lab.traffic import Traffic
from halbd.lab.units import Unit
from halbd.model.paths import Paths

STEADY = 30.0 + SETTLED  # seconds that a start or a recovery may take, with a trial and apart from preempt_delay
POLL = 0.2  # seconds between two looks at the daemons' status
LISTENING = 10.0  # seconds for a stand-in to start
DISK = "32m"  # of each node's state folder; a night of history is a few hundred kilobytes
TAIL = 15  # lines of a daemon's log that are told when it does not come up


@dataclass(frozen=True, slots=True)
class Settings:
    """How the lab is run: `daemon` is the command of halbd; connections per second to each VIP; seconds per attempt."""

    daemon: tuple[str, ...]
    rate: float = 100
    timeout: float = 2

    @property
    def clean(self) -> float:
        """Seconds of good traffic that count as steady: longer than one attempt can hang unseen."""
        return self.timeout + 0.2


class Lab:
    """`async with Lab(…) as lab`: built on entry, gone without a trace on exit, whatever happens in between."""

    def __init__(self, plan: Plan, authority: Authority, settings: Settings, tell: Callable[[str], None]) -> None:
        self.plan = plan
        self.settings = settings
        self.tell = tell
        self.traffic = Traffic()
        self.holders = Holders(target.vip for target in plan.targets)
        self._authority = authority
        self._servers: dict[str, Process] = {}
        self.units: dict[str, Unit] = {}
        self.chronicles: dict[str, Chronicle] = {}
        self.environments: dict[str, dict[str, str]] = {}
        self._came_up = False

    async def __aenter__(self) -> Self:
        """Build everything and start it. Raises LabError."""
        self.tasks = Tasks()
        self.folder = record.create()
        self.network = Network(self.plan, self.folder.prefix)
        self.names = Names(self.folder.path, self.tasks)
        try:
            await self._build()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take everything down."""
        await self._close()

    async def _close(self) -> None:
        """Not to be interrupted: another Ctrl-C must not leave half a lab behind, nor a reader that has gone away."""
        work = asyncio.create_task(self._take_down())
        interrupted = None
        while not work.done():
            try:
                await asyncio.wait({work})
            except asyncio.CancelledError as error:
                interrupted = error
        work.result()
        if interrupted is not None:
            raise interrupted

    async def _take_down(self) -> None:
        try:
            self.tell("taking the lab down")
        finally:
            await self.tasks.close()
            await self.folder.remove()

    async def _build(self) -> None:
        self.tell("building the network")
        await self.network.build()
        self.tell(f"starting {len(self.plan.servers)} stand-in servers")
        self._write_certificates()
        for server in self.plan.servers:
            await self.start_server(server)
        self.names.answer(self.plan.names)
        self.tell(f"starting halbd on {', '.join(node.name for node in self.plan.nodes)}")
        for node in self.plan.nodes:
            await self.holders.follow(node.name, self.network.namespace(node.name), self.tasks)
            if self.plan.names:
                await self.names.serve(self.network.namespace(node.name))
            await self._start_daemon(node.name)
        client = self.network.namespace(self.plan.client.name)
        options = ["--ca", str(self.folder.path / document.CA_FILE)]
        options += ["--rate", str(self.settings.rate), "--timeout", str(self.settings.timeout)]
        await self.traffic.start(self.plan.targets, client, options, self.tasks)

    def _write_certificates(self) -> None:
        names = {"kubernetes", "localhost", "127.0.0.1", "::1"}
        names |= {frontend.check.server_name for frontend in self.plan.config.frontends}
        names |= {a for server in self.plan.servers for a in (server.written, str(server.address))}
        names |= {target.vip for target in self.plan.targets}
        names |= {str(a.ip) for node in self.plan.nodes for link in node.links for a in link.addresses}
        _write(self.folder.path / document.CA_FILE, self._authority.pem.encode(), 0o644)
        _write(self.folder.path / "server.pem", self._authority.issue(sorted(names)).encode(), 0o600)

    async def start_server(self, server: StandIn) -> None:
        """Start the stand-in for `server` and wait until it listens. Raises LabError."""
        name = server.machine
        words = [sys.executable, "-P", "-m", "halbd.lab.standin", "--name", name]
        words += ["--certificate", str(self.folder.path / "server.pem"), "--broken", str(self.broken_file(server))]
        host = f"[{server.address}]" if server.address.version == 6 else str(server.address)
        for port in server.ports:
            words += ["--tls" if port.tls else "--plain", f"{host}:{port.number}"]
        for path, status in self.plan.answers:
            words += ["--answer", f"{path}={status}"]
        program = await self.tasks.start(*namespaces.inside(self.network.namespace(name)), *words)
        self._servers[server.written] = program
        try:
            async with asyncio.timeout(LISTENING):
                ready = await program.stdout.readline() if program.stdout else b""
        except TimeoutError:
            ready = b""
        if not ready:
            raise LabError(f"cannot start the stand-in for {server.written}: it does not listen")

    async def kill_server(self, server: StandIn) -> None:
        """Kill the stand-in: its port refuses from then on."""
        program = self._servers[server.written]
        program.kill()
        await program.wait()

    def broken_file(self, server: StandIn) -> Path:
        """While this file exists, the stand-in answers its health paths with 500."""
        return self.folder.path / f"{server.machine}.broken"

    def paths(self, node: str) -> Paths:
        """Where the daemon of that node keeps its things."""
        home = self.folder.path / node
        return Paths(home / "etc", home / "run", self.disk(node) / "halbd")

    def disk(self, node: str) -> Path:
        """What holds that node's state folder: a file system of its own, so that it can be full or read-only."""
        return self.folder.path / node / "state"

    async def _start_daemon(self, node: str) -> None:
        paths = self.paths(node)
        self.disk(node).mkdir(parents=True)
        await run("mount", "-t", "tmpfs", "-o", f"mode=755,size={DISK}", "halbd-lab", str(self.disk(node)))
        for folder in (paths.configuration, paths.runtime, paths.state):
            folder.mkdir(parents=True)
        self.write_config(node, self.plan.text)
        _write(paths.configuration / document.CA_FILE, self._authority.pem.encode(), 0o644)
        if self.plan.auth_pass is not None:
            _write(paths.configuration / document.AUTH_FILE, self.plan.auth_pass, 0o600)
        unit = self.units[node] = Unit(lambda: self._launch(node), lambda: self._answers(node))
        self.chronicles[node] = Chronicle(node, paths.history, unit)
        self.tasks.begin(unit.run())

    def write_config(self, node: str, text: bytes) -> None:
        """Put another halbd.yaml on that node; its daemon is not told."""
        _write(self.paths(node).config_file, text, 0o644)

    async def _answers(self, node: str) -> bool:
        return await ask.status(self.paths(node).socket) is not None

    async def _launch(self, node: str) -> Process:
        """Start that node's daemon, as systemd would: with its folders made."""
        paths = self.paths(node)
        for folder in (paths.configuration, paths.runtime, paths.state):
            with contextlib.suppress(OSError):  # a disk that cannot be written to is the daemon's to tell
                folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        environment["CONFIGURATION_DIRECTORY"] = str(paths.configuration)
        environment["RUNTIME_DIRECTORY"] = str(paths.runtime)
        environment["STATE_DIRECTORY"] = str(paths.state)
        environment |= self.environments.get(node, {})
        words = (
            *booted.words(self.boot_file(node)),
            *self.settings.daemon,
            "--config",
            str(paths.config_file),
            "--node",
            node,
        )
        command = (*namespaces.inside(self.network.namespace(node)), *words)
        return await self.tasks.start(*command, output=self._log(node), environment=environment)

    def _log(self, node: str) -> Path:
        return self.folder.path / node / "halbd.log"

    async def statuses(self) -> dict[str, dict[str, Any] | None]:
        """Every daemon's GET /status; None for one that does not answer."""
        names = [node.name for node in self.plan.nodes]
        return dict(zip(names, await asyncio.gather(*(ask.status(self.paths(n).socket) for n in names)), strict=True))

    async def steady(self, since: float = 0.0) -> tuple[str, ...]:
        """Wait until all is right, and had time to go wrong again since the last move and `since` (monotonic).

        Returns what is still not right when the time is up, in words.

        Raises:
            LabError: a daemon ends at its very start, and so it never will be.
        """
        end = time.monotonic() + STEADY + self.plan.config.vrrp.preempt_delay
        while True:
            self._all_alive()
            complaints = unsteady(self.plan.config, self.holders.snapshot(), await self.statuses())
            quiet = time.monotonic() - max(since, self.holders.moved_at)
            if not complaints and quiet >= self.settings.clean and self.traffic.clean(self.settings.clean):
                self._came_up = True
                return ()
            if time.monotonic() > end:
                return complaints or ("the client still sees failures",)
            await asyncio.sleep(POLL)

    def own(self, node: str) -> frozenset[int]:
        """The lab's own processes on that node: its monitor, and the servers of a machine that is a node, too."""
        daemon = self.units[node].pid
        return frozenset(pid for pid in self.tasks.pids() if pid != daemon)

    def _all_alive(self) -> None:
        """One that ends before all was well for the first time would only do so again."""
        for node, unit in self.units.items():
            if unit.ends and not self._came_up:
                raise LabError(f"cannot go on: halbd on {node} has ended, exit {unit.ends[0].code}\n{self.tail(node)}")

    def boot_file(self, node: str) -> Path:
        """Which boot that node is in; not there before its first one in the lab."""
        return self.folder.path / node / "boot_id"

    def log(self, node: str) -> str:
        """All that the daemons of that node have said."""
        return self._log(node).read_text(errors="replace")

    def tail(self, node: str, lines: int = TAIL) -> str:
        """The last lines of that node's log."""
        return "\n".join(f"  {node}: {line}" for line in self.log(node).splitlines()[-lines:])

    def signal(self, node: str, pid: int, number: signal.Signals) -> bool:
        """Signal a process of that node; False where it is none of the node's."""
        return namespaces.signal_in(self.network.namespace(node), pid, number)


def _write(path: Path, data: bytes, mode: int) -> None:
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_bytes(data)
