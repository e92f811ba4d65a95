"""From the file on disk to a generation in force: parse, render, check, swap, act; or nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from halbd import __version__
from halbd.daemon.loaded import Loaded, Request
from halbd.decide.change import Change, change
from halbd.decide.listen import overlap
from halbd.model.config import Address, Config
from halbd.model.errors import HalbdError, RefusedError
from halbd.model.paths import Paths
from halbd.model.problem import Problem
from halbd.system import checkers, generations, process
from halbd.system.limits import raise_file_limit
from halbd.system.programs import proxy_account
from halbd.system.run import produce


class WrongFileError(HalbdError):
    """halbd.yaml has problems; `problems` are all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def load(source: Request) -> Loaded:
    """Read and judge the operator's file.

    Raises:
        WrongFileError: with every problem in it, or the one that it cannot be read.
        HalbdError: the loader itself failed.
    """
    loaded = _ask_loader(source)
    if loaded is None:
        raise HalbdError(f"cannot load {source.file}: the loader gave no answer")
    return loaded


def load_last_good(source: Request) -> Loaded | None:
    """The generation that last worked, from its own copies of every file; None where there is none.

    Raises:
        HalbdError: the loader itself failed.
    """
    try:
        return _ask_loader(source)
    except WrongFileError:
        return None


def _ask_loader(request: Request) -> Loaded | None:
    command = [sys.executable, "-P", "-m", "halbd.daemon.loader", __version__]
    answer: Loaded | tuple[Problem, ...] | HalbdError | None = pickle.loads(produce(command, pickle.dumps(request)))  # noqa: S301  # from our own child
    if isinstance(answer, tuple):
        raise WrongFileError(answer)
    if isinstance(answer, HalbdError):
        raise answer
    return answer


def compare(paths: Paths, old: Config, new: Loaded) -> Change:
    """What the new generation needs, against the one in force."""
    return change(old, generations.installed(paths), new.config, new.files)


async def install(
    paths: Paths, new: Loaded, own_pids: frozenset[int], binds: tuple[tuple[Address, int], ...]
) -> Callable[[], None]:
    """Check a generation with the real programs and put it in force; returns what undoes that.

    Raises:
        RefusedError: a program refuses it, or another process holds one of its ports.
        HalbdError: a program or account is missing, or the file limit does not allow it, or the state folder cannot
            be written.
    """
    raise_file_limit(new.config)
    proxy_account(new.config.proxy)
    return await asyncio.to_thread(_install, paths, new, own_pids, binds)


def _install(
    paths: Paths, new: Loaded, own_pids: frozenset[int], binds: tuple[tuple[Address, int], ...]
) -> Callable[[], None]:
    """In a thread of its own: a disk that stalls must not stall the verdict."""
    free_ports(binds, own_pids)
    try:
        with _checked(paths, new) as folder:
            before = generations.commit(paths, folder, new.files)
    except OSError as error:
        if not _changed(paths, new):
            return lambda: None  # judged when there was room: a full disk must not be why a daemon cannot start
        raise HalbdError(f"cannot write {paths.generations}: {error.strerror}") from error
    with contextlib.suppress(OSError):  # what is old and not removed now is removed at the next change
        generations.prune(paths, before)
    return lambda: generations.roll_back(paths, before)


def whole(paths: Paths, new: Loaded) -> bool:
    """Whether all files of the generation in force are there."""
    return all((paths.current / one.name).exists() for one in new.files.files)


def put_back(paths: Paths, new: Loaded, good: bool) -> None:
    """Put in force again what was, and has gone; `good`: it had been seen to work. Raises OSError."""
    folder = generations.stage(paths, new.files, new.source)
    try:
        generations.commit(paths, folder, new.files)
    except BaseException:
        generations.discard(folder)
        raise
    if good and not paths.good.exists():
        generations.mark_good(paths)


def judge(paths: Paths, new: Loaded) -> None:
    """As `install`, and change nothing; whoever holds a port. Raises HalbdError."""
    raise_file_limit(new.config)
    proxy_account(new.config.proxy)
    try:
        with _checked(paths, new) as folder:
            generations.discard(folder)
    except OSError as error:
        if _changed(paths, new):
            raise HalbdError(f"cannot write {paths.generations}: {error.strerror}") from error


def _changed(paths: Paths, new: Loaded) -> bool:
    """This very generation is not what is in force already, or not all of it is there."""
    with contextlib.suppress(OSError):
        return bool(generations.changed(paths, new.files, new.source))
    return True


@contextlib.contextmanager
def _checked(paths: Paths, new: Loaded) -> Iterator[Path]:
    """A folder with what the real programs accept, gone if anything fails. Raises OSError, HalbdError."""
    folder = generations.stage(paths, new.files, new.source)
    try:
        checkers.check(new.files, new.config, folder)
        yield folder
    except BaseException:
        generations.discard(folder)
        raise


def free_ports(binds: tuple[tuple[Address, int], ...], own_pids: frozenset[int]) -> None:
    """See that nobody else listens there: neither proxy's checker does, and HAProxy's failed bind is an outage of 2 s.

    Raises:
        RefusedError: naming the port and its holder.
    """
    if not binds:
        return  # the list of all sockets is long on a busy node
    listeners = process.listeners(frozenset(port for _, port in binds), own_pids)
    for bind, port in binds:
        for one in listeners:
            if one.port == port and overlap(bind, one.address) and one.pid not in own_pids:
                raise RefusedError(f"cannot listen on port {port}: {one.name} (pid {one.pid or '?'}) already does")
