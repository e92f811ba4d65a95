"""The two programs that halbd runs: adopt or start, watch, signal."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from signal import SIGHUP, Signals
from typing import Any

import structlog

from halbd.daemon.output import Output
from halbd.model.child import Program
from halbd.model.config import Config
from halbd.model.errors import HalbdError
from halbd.model.events import Event, Exited, Spawned, SpawnFailed
from halbd.model.paths import Paths
from halbd.system import files, haproxy, process
from halbd.system.process import Identity
from halbd.system.programs import account, find, proxy_binary, proxy_user

LOW_PORTS = 1024
"""Ports below need CAP_NET_BIND_SERVICE (capabilities(7))."""


class Children:
    """Hands for the proxy and for keepalived."""

    def __init__(
        self,
        paths: Paths,
        post: Callable[[Event], None],
        begin: Callable[[Coroutine[Any, Any, None]], object],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._paths, self._post, self._begin, self._log = paths, post, begin, log
        self._who: dict[Program, Identity] = {}
        self._output: dict[Program, Output] = {}
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, program: Program, config: Config) -> None:
        """Take up the one that runs already, or start one; the outcome comes back as an event."""
        try:
            adopted = self._adopt(program, config)
            who = adopted or self._spawn(program, config)
        except (HalbdError, OSError) as error:
            self._post(SpawnFailed(program, str(error), random.random()))  # noqa: S311  # jitter, not a secret
            return
        self._who[program] = who
        self._begin(self._watch(program, who))
        self._post(Spawned(program, who.pid, who.start_ticks, adopted=adopted is not None))

    def signal(self, program: Program, number: Signals) -> None:
        """Signal the whole process group."""
        if who := self._who.get(program):
            process.send(who, number)

    def reload_keepalived(self, config: Config) -> None:
        """SIGHUP to keepalived's parent, which tells its own child (keepalived(8))."""
        if who := already_running(self._paths, Program.KEEPALIVED, config):
            os.kill(who.pid, SIGHUP)

    def _adopt(self, program: Program, config: Config) -> Identity | None:
        who = already_running(self._paths, program, config)
        if who:
            self._listen(program)
        return who

    def _spawn(self, program: Program, config: Config) -> Identity:
        arguments = self._proxy(config) if program is Program.PROXY else self._keepalived()
        environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin"), "TMPDIR": str(self._paths.runtime)}
        descriptor = self._listen(program).child_end()
        try:
            child = process.spawn(arguments, environment, descriptor)
        finally:
            os.close(descriptor)
        self._started[child.pid] = child
        who = process.identity(child.pid) or Identity(child.pid, 0)
        note = {"pid": who.pid, "start_ticks": who.start_ticks}
        files.write(_note(self._paths, program), json.dumps(note).encode())
        return who

    async def _watch(self, program: Program, who: Identity) -> None:
        with contextlib.suppress(ProcessLookupError):  # it was gone before it could be watched
            await process.ended(who.pid)
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
        user = proxy_user(config.proxy)
        self._proxy_folder(user)
        low = any(frontend.port < LOW_PORTS for frontend in config.frontends)
        return haproxy.command(proxy_binary(config.proxy), self._paths, user, ["+net_bind_service"] if low else [])

    def _proxy_folder(self, user: str) -> None:
        """A folder of the proxy's own: it makes its sockets there without any privilege."""
        folder = self._paths.proxy_folder
        folder.mkdir(mode=0o700, exist_ok=True)
        if owner := account(user):
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        if not self._paths.server_state.exists():
            # An empty list of states, or HAProxy warns at its first start (its management guide, 9.3).
            self._paths.server_state.write_text("1\n")

    def _keepalived(self) -> list[str]:
        """In the foreground, VRRP only, logging to its output; pid files that name a dead process are removed.

        keepalived refuses to start, with exit code 0, when a pid file names any live process, also a foreign one.
        """
        pid_files = (self._paths.runtime / "keepalived.pid", self._paths.runtime / "vrrp.pid")
        for path in pid_files:
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


def already_running(paths: Paths, program: Program, config: Config) -> Identity | None:
    """The program that an earlier daemon started, if it still runs: PID, start time and executable agree."""
    try:
        noted = json.loads(_note(paths, program).read_text())
        who = Identity(int(noted["pid"]), int(noted["start_ticks"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    binary = proxy_binary(config.proxy) if program is Program.PROXY else find("keepalived")
    same = process.identity(who.pid) == who and process.program_of(who.pid) == str(Path(binary).resolve())
    return who if same else None


def _note(paths: Paths, program: Program) -> Path:
    """Where the running program's identity is noted, for the next daemon."""
    return paths.runtime / f"{program}.json"
