"""The two programs that halbd runs: adopt or start, watch, signal."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from signal import SIGHUP, SIGKILL, Signals
from typing import Any

import structlog

from halbd.daemon.output import Output
from halbd.daemon.proxy import Proxy
from halbd.model.child import Program
from halbd.model.config import Config
from halbd.model.errors import FailedError, HalbdError
from halbd.model.events import Event, Exited, Spawned, SpawnFailed
from halbd.model.paths import Paths
from halbd.system import files, process
from halbd.system.process import Identity
from halbd.system.programs import find, proxy_account, proxy_binary

FILES = {Program.PROXY: "haproxy.cfg", Program.KEEPALIVED: "keepalived.conf"}
"""What each program is given on its command line, in the folder of the generation in force."""


class Children:
    """Hands for the proxy and for keepalived."""

    def __init__(
        self,
        paths: Paths,
        proxy: Proxy,
        post: Callable[[Event], None],
        begin: Callable[[Coroutine[Any, Any, None]], object],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._paths, self._program, self._post, self._begin, self._log = paths, proxy, post, begin, log
        self._who: dict[Program, Identity] = {}
        self._binary: dict[Program, str] = {}
        self._output: dict[Program, Output] = {}
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, program: Program, config: Config) -> None:
        """Take up the one that runs already, or start one; the outcome comes back as an event."""
        try:
            if not self.adopt(program):
                self._taken(program, self._spawn(program, config), adopted=False)
        except (HalbdError, OSError) as error:
            self._post(SpawnFailed(program, str(error), random.random()))  # noqa: S311  # jitter, not a secret

    def adopt(self, program: Program) -> bool:
        """Take up the one that an earlier daemon left running, if there is one. Raises OSError."""
        noted = already_running(self._paths, program)
        if noted is None:
            return False
        self._listen(program)
        self._binary[program] = noted.binary
        self._taken(program, noted.who, adopted=True, behind=noted.generation != self._generation())
        return True

    def signal(self, program: Program, number: Signals) -> None:
        """Signal the whole process group."""
        if who := self._who.get(program):
            process.send(who, number)

    def reload_keepalived(self) -> None:
        """SIGHUP to keepalived's parent, which tells its own child (keepalived(8))."""
        if noted := already_running(self._paths, Program.KEEPALIVED):
            with contextlib.suppress(ProcessLookupError):  # it has just died, and the next one reads the new file
                os.kill(noted.who.pid, SIGHUP)
            self.taken_up(Program.KEEPALIVED)

    def behind(self, program: Program) -> bool:
        """The program runs, and has not taken up the generation in force."""
        noted = already_running(self._paths, program)
        return noted is not None and noted.generation != self._generation()

    def taken_up(self, program: Program) -> None:
        """The program runs on the generation in force: note it, for the next daemon.

        Where that cannot be written the next daemon reloads a program that needs no reload, which costs nothing.
        """
        who = self._who.get(program)
        if who is None:
            return
        note = {"pid": who.pid, "start_ticks": who.start_ticks, "program": self._binary[program]}
        try:
            text = json.dumps(note | {"generation": self._generation()})
            files.write(_note(self._paths, program), text.encode())
        except OSError as error:
            self._log.error("child.not_noted", program=program, why=error.strerror)

    def _generation(self) -> str:
        return self._paths.current.resolve().name

    def _taken(self, program: Program, who: Identity, *, adopted: bool, behind: bool = False) -> None:
        self._who[program] = who
        self._begin(self._watch(program, who))
        self._post(Spawned(program, who.pid, who.start_ticks, adopted, behind))
        if not adopted:
            self.taken_up(program)

    def _spawn(self, program: Program, config: Config) -> Identity:
        proxy = program is Program.PROXY
        arguments = self._proxy(config) if proxy else self._keepalived()
        # Not what /proc tells of the new process: that is setpriv(1) for its first moments.
        self._binary[program] = str(Path(proxy_binary(config.proxy) if proxy else find("keepalived")).resolve())
        environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin"), "TMPDIR": str(self._paths.runtime)}
        descriptor = self._listen(program).child_end()
        try:
            child = process.spawn(arguments, environment, descriptor)
        finally:
            os.close(descriptor)
        self._started[child.pid] = child
        return process.identity(child.pid) or Identity(child.pid, 0)

    async def _watch(self, program: Program, who: Identity) -> None:
        with contextlib.suppress(ProcessLookupError):  # it was gone before it could be watched
            await process.ended(who)
        if program is Program.PROXY and who.pid in self._started:
            # A worker that hangs outlives its master and keeps the port. The group's number cannot be anybody
            # else's before the leader is reaped. Not for keepalived: its child must take the VIPs down itself.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(who.pid, SIGKILL)
        how = self._reap(who.pid)
        words = self._output[program].last_words()
        self._post(Exited(program, who.pid, f"{how}: {words}" if words else how, random.random()))  # noqa: S311  # as above

    def _reap(self, pid: int) -> str:
        child = self._started.pop(pid, None)
        if child is None:
            return "ended (an earlier halbd had started it, so its exit code is not known)"
        code = child.wait()
        return f"killed by {Signals(-code).name}" if code < 0 else f"exited with code {code}"

    def _proxy(self, config: Config) -> list[str]:
        """In a folder of its own, where it makes its sockets without any privilege."""
        user, folder = proxy_account(config.proxy), self._paths.proxy_folder
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
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
        config = str(self._paths.current / "keepalived.conf")
        where = ["-f", config, "-p", str(pid_files[0]), "-r", str(pid_files[1])]
        return [find("keepalived"), "--dont-fork", "--log-console", "--vrrp", *where]

    def _listen(self, program: Program) -> Output:
        if program not in self._output:
            fifo = self._paths.runtime / f"{program}.fifo"
            self._output[program] = Output(fifo, lambda line: self._say(program, line))
        return self._output[program]

    def _say(self, program: Program, line: str) -> None:
        serious = any(word in line for word in ("[ALERT]", "[WARNING]"))
        (self._log.warning if serious else self._log.info)(f"{program}.says", line=line)


@dataclass(frozen=True, slots=True)
class Noted:
    """A program that an earlier daemon started, and the generation that it runs on."""

    who: Identity
    binary: str
    generation: str


def already_running(paths: Paths, program: Program) -> Noted | None:
    """What an earlier daemon started, if it still runs: PID, start time and executable agree with its note.

    Where the note is lost, the process whose command line names our own file is it, on an unknown generation.
    """
    try:
        noted = json.loads(_note(paths, program).read_text())
        who, binary = Identity(int(noted["pid"]), int(noted["start_ticks"])), str(noted["program"])
        generation = str(noted["generation"])
    except (OSError, ValueError, KeyError, TypeError):
        found = process.leader_with(str(paths.current / FILES[program]))
        return Noted(found, process.program_of(found.pid) or "", "") if found else None
    same = process.identity(who.pid) == who and process.program_of(who.pid) == binary
    return Noted(who, binary, generation) if same else None


def _note(paths: Paths, program: Program) -> Path:
    """Where the running program's identity is noted, for the next daemon."""
    return paths.runtime / f"{program}.json"
