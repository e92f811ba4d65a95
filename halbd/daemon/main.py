"""The composition root: everything is made, wired and started here."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM
from typing import Any

import structlog

from halbd import __version__
from halbd.daemon import start
from halbd.daemon.changer import Changer, Done
from halbd.daemon.children import Children
from halbd.daemon.door import Door
from halbd.daemon.drainer import Drainer
from halbd.daemon.generation import WrongFileError
from halbd.daemon.hands import Hands
from halbd.daemon.history import History
from halbd.daemon.loaded import Loaded, Request
from halbd.daemon.logs import configure
from halbd.daemon.only_one import OnlyOne
from halbd.daemon.owner import Owner
from halbd.daemon.proxy import proxy
from halbd.daemon.restorer import Restorer
from halbd.daemon.routes import Routes
from halbd.daemon.teller import Teller
from halbd.daemon.upgrade import Ready, Upgrade, upgraded_from
from halbd.daemon.upkeep import Kept, Upkeep
from halbd.model.config import Log
from halbd.model.errors import HalbdError
from halbd.model.events import ConfigApplied, ConfigRejected, Event, StopRequested
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system import become
from halbd.system.notify import Notifier
from halbd.system.programs import check_account, proxy_account
from halbd.system.threads import Threads

THREADS = 8
"""For what may wait for a disk or a program: no question of a moment may stand behind those that do."""


def run(config_file: Path, node: str | None, paths: Paths) -> int:
    """Run until stopped: 0 stopped, 1 failed, 2 the config is wrong and there is no earlier one that is good."""
    log = configure(Log())
    code = 0
    try:
        with OnlyOne(paths) as only_one:
            asyncio.run(_live(Request(paths, config_file, node), only_one))
    except* (HalbdError, OSError) as group:
        code = max(_explain(error, config_file, log) for error in group.exceptions)
    return code


def _explain(error: BaseException, file: Path, log: structlog.typing.FilteringBoundLogger) -> int:
    """One line for each problem; the exit code."""
    if not isinstance(error, WrongFileError):
        log.error("halbd.failed", why=str(error))
        return 1
    for problem in error.problems:
        log.error("config.problem", file=str(file), problem=str(problem))
    return 2


async def _live(source: Request, only_one: OnlyOne) -> None:
    """Everything runs in one task group: a bug anywhere ends the daemon, and systemd starts it again.

    The proxy and keepalived go on meanwhile, and the next daemon takes them up.
    """
    stop = asyncio.Event()
    for number in (SIGTERM, SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asyncio.get_running_loop().add_signal_handler(SIGHUP, lambda: None)  # the file is being read in any case
    asyncio.get_running_loop().set_default_executor(Threads(THREADS, "work"))
    become.let_in()  # the program before this one, in this process, may have kept some waiting
    begun = await start.begin(source)
    async with asyncio.TaskGroup() as tasks:
        await _Daemon(begun.loaded, source, tasks).live(begun, stop, only_one)


class _Daemon:
    """Holds what must live as long as the daemon."""

    def __init__(self, loaded: Loaded, source: Request, tasks: asyncio.TaskGroup) -> None:
        self._paths, self._tasks = source.paths, tasks
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._history = History(source.paths.history)
        self._program = proxy(loaded.config, source.paths)
        account = proxy_account(loaded.config.proxy).pw_uid  # for another one the daemon has to be started anew
        self._children = Children(source.paths, self._program, account, self._post, tasks.create_task, self._log)
        self._changer = Changer(source, loaded, self._children, self._program, self._post, lambda: self.state)
        self._drainer = Drainer(source.paths, self._post, lambda: self.state, tasks.create_task)
        self._teller = Teller(Notifier())
        self._background: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> State:
        """The latest state."""
        return self._owner.state

    async def reload(self) -> Done:
        """Take up the file on disk. Raises HalbdError."""
        if self.state.stopping:
            raise HalbdError("cannot reload: halbd is being stopped")
        return await self._changer.reload()

    async def upgrade(self) -> Ready:
        """See that the newly installed program would start. Raises HalbdError."""
        if self.state.stopping:
            raise HalbdError("cannot upgrade: halbd is being stopped")
        return await Upgrade(self._changer, self._hands, self._teller, self._post, lambda: self.state).prepare()

    async def live(self, begun: start.Begun, stop: asyncio.Event, only_one: OnlyOne) -> None:
        """From the first event to the last effect."""
        configure(begun.config.log)
        if before := upgraded_from():
            self._log.warning("halbd.upgraded", version_before=before, version=__version__)
        state = start.first_state(self._paths, begun.config, self._history)
        self._hands = Hands(
            self._paths,
            self._children,
            self._program,
            self._history,
            self._changer,
            self._drainer,
            self._post,
            lambda: self.state,
            self._tasks.create_task,
        )
        self._owner = Owner(state, self._hands.perform, self._turned)
        # Before anything else: a proxy that runs must not for a moment count as one that has not started yet.
        self._children.take_over()
        self._post(ConfigApplied(begun.config))
        if begun.rejected:
            self._post(ConfigRejected(begun.rejected))
        self._begin(self._watch_stop(stop))
        asyncio.get_running_loop().add_signal_handler(SIGHUP, lambda: self._begin(self._reload_by_signal()))
        routes = Routes(self, self._drainer, self._history, check_account().pw_uid)
        async with Door(self._paths, routes) as door:
            upkeep = Upkeep(self._kept(only_one, door))
            for work in (upkeep.runtime(), upkeep.state()):
                self._begin(work)
            await self._owner.run()
        for task in self._background:
            task.cancel()

    def _kept(self, only_one: OnlyOne, door: Door) -> Kept:
        program = self._program
        restorer = Restorer(self._paths, self._changer, self._children, program, self._post, lambda: self.state)
        return Kept(
            self._paths,
            only_one,
            door,
            self._hands,
            self._children,
            restorer,
            self._drainer,
            program,
            lambda: self.state,
        )

    def _turned(self, state: State) -> None:
        """After every turn of the loop, which comes at least once a second."""
        self._hands.reassert(state.pushed)
        self._teller.tell(state)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Until it is done, or the daemon stops."""
        task = self._tasks.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _post(self, event: Event) -> None:
        self._owner.post(event)

    async def _watch_stop(self, stop: asyncio.Event) -> None:
        """SIGTERM may come before there is anybody to tell; it is heeded as soon as there is."""
        await stop.wait()
        self._post(StopRequested())

    async def _reload_by_signal(self) -> None:
        """SIGHUP has nobody to answer to: what is wrong goes into the log and into status."""
        try:
            await self.reload()
        except HalbdError as error:
            self._log.error("config.not_reloaded", why=str(error))
