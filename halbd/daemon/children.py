"""The two programs that halbd runs: adopt or start, watch, signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

import structlog

from halbd.daemon import proxy
from halbd.daemon.logs import at
from halbd.daemon.noted import Noted, already_running, keepalived_words, started
from halbd.daemon.notes import Notes
from halbd.daemon.orphans import reap_others
from halbd.daemon.output import Output
from halbd.daemon.retired import Retired
from halbd.model.child import Program
from halbd.model.config import Config, LogLevel
from halbd.model.errors import FailedError, HalbdError
from halbd.model.events import Event, Exited, Spawned, SpawnFailed, TakenUp
from halbd.model.paths import Paths
from halbd.system import keepalived_reload, process
from halbd.system.process import Identity
from halbd.system.programs import find, join_group, proxy_account, proxy_binary


class Children:
    """Hands for the proxy and for keepalived."""

    def __init__(
        self,
        paths: Paths,
        program: proxy.Proxy,
        account: int,
        post: Callable[[Event], None],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._paths, self._program, self._post, self._begin, self._log = paths, program, post, begin, log
        self._accounts = frozenset({account})
        self._who: dict[Program, Identity] = {}
        self._binary: dict[Program, str] = {}
        self._notes = Notes(paths, log)
        self._output: dict[Program, Output] = {}
        self._started: dict[int, subprocess.Popen[bytes]] = {}
        self._handing_over = False
        self._second: Identity | None = None
        self._retired = Retired(program, begin, log)
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._why: dict[int, str] = {}

    def start(self, program: Program, config: Config) -> None:
        """Take up the one that runs already, or start one; the outcome comes back as an event."""
        try:
            if program is Program.PROXY and self._handing_over:
                return  # the second one will do, or else this is told
            if not self.adopt(program):
                who = self._spawn(program, config)
                self._taken(program, who, adopted=False)
                if program is Program.PROXY:
                    self._serving[who.pid] = self._begin(self._until_it_serves(who, config))
        except (HalbdError, OSError) as error:
            self._post(SpawnFailed(program, str(error), random.random()))  # noqa: S311  # jitter, not a secret

    def take_over(self) -> None:
        """At the daemon's start: take up the proxy that runs, and see to what an earlier daemon left beside it.

        Proxies that made room for another are left to their connections. One that did not, and is not the one that
        was noted, was never seen to serve: two would share the port in silence. Raises OSError.
        """
        noted = self._running(Program.PROXY)
        if noted is not None:
            with contextlib.suppress(FileNotFoundError):  # somebody removed it: the proxy runs on without its sockets
                join_group(self._paths.proxy_folder.stat().st_gid)
            self._program.step_back(noted.who.pid)
        for name in proxy.FILES.values():
            for who in started(self._paths, name, self._accounts):
                if noted is not None and who == noted.who:
                    continue
                if self._program.stepped_aside(who.pid):
                    self._retired.add(who)
                else:
                    process.send(who, SIGKILL)
        self.adopt(Program.PROXY)
        own = (self._running(program) for program in Program)  # each is watched once it is taken up
        reap_others({one.who.pid for one in own if one}, self._begin)

    def finish(self) -> None:
        """The daemon is being stopped and its proxy has been: whatever is left beside it ends as well."""
        self._retired.finish()
        for who in (self._second, self._who.get(Program.PROXY)):
            if who is not None:
                process.send(who, SIGKILL)

    def adopt(self, program: Program) -> bool:
        """Take up the one that an earlier daemon left running, if there is one. Raises OSError."""
        noted = self._running(program)
        if noted is None:
            return False
        self._listen(program)
        self._binary[program] = noted.binary
        self._notes.keep(program, noted.text)
        self._taken(program, noted.who, adopted=True, behind=noted.generation != self._generation())
        return True

    async def hand_over(self, config: Config) -> None:
        """Start a second proxy beside the one that runs, and then leave that one to its connections.

        Raises:
            HalbdError, OSError: the second does not serve and is gone again; the first serves on.
        """
        old = self._who[Program.PROXY]
        self._program.step_aside(old.pid)
        self._handing_over = True
        try:
            new = await self._beside(config)
        except (HalbdError, OSError):
            self._program.step_back(old.pid)
            if process.identity(old.pid) != old:  # it died meanwhile, and was not started again
                self._post(SpawnFailed(Program.PROXY, "it died while it was handed over from", 0))
            raise
        finally:
            self._handing_over = False
        self._who[Program.PROXY] = new
        self.taken_up()
        self._post(Spawned(Program.PROXY, new.pid, new.start_ticks, adopted=True, behind=False))
        self._retired.add(old)

    async def _beside(self, config: Config) -> Identity:
        """A second proxy, once it serves. Raises HalbdError, OSError."""
        binary = self._binary[Program.PROXY]
        new = self._second = self._spawn(Program.PROXY, config)
        serving = self._serving[new.pid] = asyncio.ensure_future(self._program.serves(config))
        self._begin(self._watch(Program.PROXY, new))
        await asyncio.wait((serving,))
        try:
            if serving.cancelled():
                raise FailedError("cannot hand over to another proxy: it ended at once")
            serving.result()
        except HalbdError:
            self._binary[Program.PROXY] = binary
            process.send(new, SIGKILL)
            raise
        finally:
            self._second = None
        return new

    def outdated(self) -> bool:
        """The running proxy's program is no longer the one on disk, as after an update of its package.

        Raises FailedError where nobody says so.
        """
        who = self._who.get(Program.PROXY)
        return who is not None and process.replaced(who.pid)

    def make_proxy_folder(self, config: Config) -> None:
        """Where its sockets are. Raises HalbdError, OSError."""
        group, folder = proxy_account(config.proxy).pw_gid, self._paths.proxy_folder
        join_group(group)
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, -1, group)
        folder.chmod(0o770)

    def end(self, program: Program, why: str) -> None:
        """Have it start anew, and say why."""
        if who := self._who.get(program):
            self._why[who.pid] = why
            process.send(who, SIGKILL)

    def signal(self, program: Program, number: Signals) -> None:
        """Signal the whole process group."""
        if who := self._who.get(program):
            process.send(who, number)

    async def reload_keepalived(self) -> None:
        """Have it read its config anew; one that has just died needs not be told. Raises FailedError."""
        if noted := self._running(Program.KEEPALIVED):
            await asyncio.to_thread(keepalived_reload.reload, noted.who)
            self.note_generation(Program.KEEPALIVED)

    def behind(self, program: Program) -> bool:
        """The program runs, and has not taken up the generation in force."""
        noted = self._running(program)
        return noted is not None and noted.generation != self._generation()

    def another_process(self, config: Config) -> bool:
        """The Envoy that runs cannot come to be the one that is wanted now. Raises HalbdError."""
        noted = self._running(Program.PROXY)
        return noted is not None and noted.another(self._paths, proxy_binary(config.proxy))

    def taken_up(self) -> None:
        """The proxy serves the generation in force."""
        self.note_generation(Program.PROXY)
        self._post(TakenUp())

    def note_generation(self, program: Program) -> None:
        """The program is on the generation in force."""
        if who := self._who.get(program):
            self._notes.write(program, who, self._binary[program], self._generation())

    def note_again(self) -> None:
        """Put back the notes that somebody has removed."""
        for program, who in self._who.items():
            if process.identity(who.pid) == who:
                self._notes.put_back(program)

    def _running(self, program: Program) -> Noted | None:
        return already_running(self._paths, program, self._accounts)

    def _generation(self) -> str:
        return self._paths.current.resolve().name

    def _taken(self, program: Program, who: Identity, *, adopted: bool, behind: bool = False) -> None:
        self._who[program] = who
        self._begin(self._watch(program, who))
        self._post(Spawned(program, who.pid, who.start_ticks, adopted, behind))
        if not adopted:
            self.note_generation(program)

    def _spawn(self, program: Program, config: Config) -> Identity:
        is_proxy = program is Program.PROXY
        arguments = self._proxy(config) if is_proxy else self._keepalived()
        # Not what /proc tells of the new process: that is setpriv(1) for its first moments.
        self._binary[program] = str(Path(proxy_binary(config.proxy) if is_proxy else find("keepalived")).resolve())
        environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin"), "TMPDIR": str(self._paths.runtime)}
        descriptor = self._listen(program).child_end()
        try:
            child = process.spawn(arguments, environment, descriptor)
        finally:
            os.close(descriptor)
        self._started[child.pid] = child
        return process.identity(child.pid) or Identity(child.pid, 0)

    async def _until_it_serves(self, who: Identity, config: Config) -> None:
        """One that runs and never will is ended, so that it is tried again like one that ended by itself."""
        try:
            await self._program.serves(config)
        except HalbdError as error:
            self._why[who.pid] = str(error)
            process.send(who, SIGKILL)
        else:
            if self._who.get(Program.PROXY) == who:
                self.taken_up()

    async def _watch(self, program: Program, who: Identity) -> None:
        with contextlib.suppress(ProcessLookupError):  # it was gone before it could be watched
            await process.ended(who)
        if serving := self._serving.pop(who.pid, None):
            serving.cancel()
        if program is Program.PROXY and process.unreaped(who.pid):
            # A worker that hangs outlives its master and keeps the port. The group's number cannot be anybody
            # else's before the leader is reaped. Not for keepalived: its child must take the VIPs down itself.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(who.pid, SIGKILL)
        how = self._reap(who.pid)
        words = self._why.pop(who.pid, "") or self._output[program].last_words()
        self._post(Exited(program, who.pid, f"{how}: {words}" if words else how, random.random()))  # noqa: S311  # as above

    def _reap(self, pid: int) -> str:
        child = self._started.pop(pid, None)
        code = child.wait() if child else process.reap(pid)
        if code is None:
            return "ended (an earlier halbd had started it, so its exit code is not known)"
        return f"killed by {Signals(-code).name}" if code < 0 else f"exited with code {code}"

    def _proxy(self, config: Config) -> list[str]:
        """In a folder of its group's, where it makes its sockets without any privilege."""
        self.make_proxy_folder(config)
        return self._program.command(config)

    def _keepalived(self) -> list[str]:
        """In the foreground, VRRP only, logging to its output. Raises FailedError where another one still runs here.

        keepalived refuses to start, with exit code 0, when a pid file names any live process, also a foreign one, so
        one that names no keepalived is removed.
        """
        pid_files = (self._paths.runtime / "keepalived.pid", self._paths.runtime / "vrrp.pid")
        for path in pid_files:
            if pid := process.pid_in(path, "keepalived"):
                raise FailedError(f"cannot start keepalived: one runs already, pid {pid}")
            path.unlink(missing_ok=True)
        return [find("keepalived"), *keepalived_words(self._paths), "-p", str(pid_files[0]), "-r", str(pid_files[1])]

    def _listen(self, program: Program) -> Output:
        if program not in self._output:
            fifo = self._paths.runtime / f"{program}.fifo"
            self._output[program] = Output(fifo, lambda line: self._say(program, line))
        return self._output[program]

    def _say(self, program: Program, line: str) -> None:
        level = self._program.level(line) if program is Program.PROXY else LogLevel.INFO
        at(self._log, level)(f"{program}.says", line=line)
