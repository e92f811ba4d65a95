"""From nothing to the first state: the file, or the last good one; a generation in force; what was known before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import structlog

from halbd.daemon import drain_note, generation
from halbd.daemon.generation import WrongFileError
from halbd.daemon.history import History
from halbd.daemon.loaded import Loaded, Request
from halbd.daemon.noted import already_running
from halbd.daemon.owner import read_clocks
from halbd.daemon.proxy import FILES
from halbd.decide.change import OTHER_KIND
from halbd.decide.groups import groups
from halbd.decide.holding import sorted_out
from halbd.decide.listen import sockets
from halbd.model.child import Program
from halbd.model.config import Address, Config, Manage
from halbd.model.errors import FailedError, HalbdError, RefusedError
from halbd.model.evidence import Now
from halbd.model.guard import Place
from halbd.model.paths import FAULT, Paths, no_servers
from halbd.model.state import State
from halbd.system import files, process
from halbd.system.keepalived_unit import systemd_runs
from halbd.system.programs import proxy_account
from halbd.system.surroundings import install_check_program


@dataclass(frozen=True, slots=True)
class Begun:
    """A generation in force; `rejected`: why it is not the one on disk."""

    loaded: Loaded
    rejected: tuple[str, ...]

    @property
    def config(self) -> Config:
        """What is in force."""
        return self.loaded.config


Binds: TypeAlias = tuple[tuple[Address, int], ...]
Put: TypeAlias = Callable[[Paths, Loaded, Binds], Awaitable[None]]


async def begin(source: Request) -> Begun:
    """Put a generation in force: of the file on disk or, where that is not to be had, the last good one.

    Raises:
        WrongFileError: the file has problems, and no earlier generation is there.
        HalbdError: the world is in the way, and no earlier generation is there.
    """
    return await _begin(source, _install)


async def rehearse(source: Request) -> Begun:
    """What `begin` would come to, as far as that can be told without changing anything. Raises as `begin`."""
    return await _begin(source, _judge)


async def _begin(source: Request, put: Put) -> Begun:
    try:
        loaded = await asyncio.to_thread(generation.load, source)
        await put(source.paths, loaded, sockets(loaded.config))
    except HalbdError as error:
        words = tuple(map(str, error.problems)) if isinstance(error, WrongFileError) else (str(error),)
        last = await _last_good(replace(source, file=None), put)
        if last is None:
            raise
        return Begun(last, words)
    return Begun(loaded, ())


async def _judge(paths: Paths, loaded: Loaded, _: Binds) -> None:
    """Raises HalbdError."""
    await asyncio.to_thread(generation.judge, paths, loaded)


async def _install(paths: Paths, loaded: Loaded, binds: Binds) -> None:
    """Raises HalbdError."""
    running = already_running(paths, Program.PROXY, frozenset({proxy_account(loaded.config.proxy).pw_uid}))
    if running and running.file not in {"", FILES[loaded.config.proxy.kind]}:
        raise RefusedError(OTHER_KIND)
    own = process.family(running.who.pid) if running else frozenset[int]()
    with contextlib.suppress(FailedError):  # nobody can say who listens there: no reason to go back to an older file
        await asyncio.to_thread(generation.free_ports, binds, own)
    await generation.install(paths, loaded, own, ())


async def _last_good(source: Request, put: Put) -> Loaded | None:
    """The generation that was last seen to work, in force again; None where there is none that can be.

    Whoever holds its ports: the proxy is tried until it starts, and status says why it does not.
    """
    try:
        last = await asyncio.to_thread(generation.load_last_good, source)
        if last is not None:
            await put(source.paths, last, ())
    except HalbdError:
        return None
    return last


def first_state(paths: Paths, config: Config, history: History) -> State:
    """What is known before anything has been seen: the files that keepalived reads, the last word of the history."""
    install_check_program(paths)
    now = read_clocks()
    manage = config.keepalived.manage
    unit = manage is Manage.SYSTEMD or (manage is Manage.AUTO and systemd_runs())
    transitions = history.transitions(10)
    held, strays = sorted_out(config, _here_before(history, now))
    pushed = _track_files(paths, config, holder=bool(held))
    maintenance, why = drain_note.read(paths.maintenance, held=bool(held), now=now)
    if why:
        structlog.get_logger().error("maintenance.unreadable", why=why)
    return State(
        config=config,
        begun=now,
        keepalived_is_child=not unit and manage is not Manage.NONE,
        keepalived_is_unit=unit,
        held=held,
        strays=strays,
        maintenance=maintenance,
        transitions=transitions,
        pushed=pushed,
        levels={group: pushed[no_servers(group)] for group in groups(config)},
    )


def _track_files(paths: Paths, config: Config, *, holder: bool) -> dict[str, int]:
    """What keepalived was last told. A file that is not there is made now, and says no until there is a verdict.

    So does one that holds no number, but not where this node had a VIP: keepalived was told yes then, and halbd is
    never what takes a healthy load balancer down. Where there is no file, the machine may have booted since.
    """
    pushed = {}
    for name, absent in [(FAULT, 1), *((no_servers(group), 0) for group in groups(config))]:
        path, value = paths.track_folder / name, absent
        try:
            pushed[name] = int(path.read_bytes())
            continue
        except ValueError:
            value = 0 if holder else absent
        except OSError:
            pass
        files.overwrite(path, f"{value}\n")
        pushed[name] = value
    return pushed


def _here_before(history: History, now: Now) -> dict[Place, Now]:
    """What was here by the last lines of the history: the first dump makes up for what happened since."""
    latest = {(one.vip, one.interface): one for one in history.transitions(1000)}
    return {place: Now(now.mono, one.at) for place, one in latest.items() if one.gained}
