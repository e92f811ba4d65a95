"""What is left over on a node: processes that nobody owns, sockets that nobody listens on, descriptors. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from halbd.lab.processes import Process, below

MORE_FILES = 40  # open files that a daemon may have beyond what it began with: questions and probes under way


@dataclass(frozen=True, slots=True)
class Place:
    """One node, looked at. `lab`: the lab's own processes there; `workers`: how many old proxy workers may live.

    `busy`: the processes that have a client's connection; `zombies`: children of processes here that nobody has reaped;
    `sockets` are those on which nobody listens; `groups`: the lab's cgroups; `files` are the daemon's open files,
    `files_at_first` those that the node's first daemon had when all was well.
    """

    node: str
    processes: tuple[Process, ...]
    lab: frozenset[int]
    daemon: int | None
    proxy: int | None
    keepalived: int | None
    busy: frozenset[int]
    zombies: tuple[Process, ...]
    sockets: tuple[Path, ...]
    groups: tuple[Path, ...]
    files: int
    files_at_first: int
    workers: int


def leftovers(place: Place) -> tuple[str, ...]:
    """What should not be there, in words."""
    words = list(_processes(place))
    if place.sockets:
        words.append(f"sockets that nobody listens on: {', '.join(map(str, place.sockets))}")
    if place.groups:
        words.append(f"cgroups: {', '.join(map(str, place.groups))}")
    if place.zombies:
        words.append(f"zombies: {_named(place.zombies)}")
    if place.files_at_first and place.files > place.files_at_first + MORE_FILES:
        words.append(f"halbd has {place.files} open files, at first it had {place.files_at_first}")
    return tuple(f"{place.node}: {one}" for one in words)


def changed(at_first: Iterable[str], now: Iterable[str]) -> str:
    """Which network namespaces have come and gone, in words; "" when none has."""
    more, fewer = sorted(set(now) - set(at_first)), sorted(set(at_first) - set(now))
    words = [f"left over: {', '.join(more)}"] if more else []
    words += [f"gone: {', '.join(fewer)}"] if fewer else []
    return f"network namespaces {'; '.join(words)}" if words else ""


def _processes(place: Place) -> Iterable[str]:
    roots = {"halbd": place.daemon, "proxy": place.proxy, "keepalived": place.keepalived}
    pids = {process.pid for process in place.processes}
    for name, pid in roots.items():
        if pid not in pids:
            yield f"no {name} runs" if pid is None else f"{name} ({pid}) is gone"
    known = {pid: below(place.processes, pid) for pid in roots.values() if pid is not None}
    aside = _aside(place)
    yield from _retired(place, "old proxy workers", _old_workers(place))
    yield from _retired(place, "proxies that made room", aside)
    owned = place.lab.union(*known.values(), (p.pid for p in aside))
    if place.daemon is not None:
        apart = known.get(place.proxy or 0, frozenset()) | known.get(place.keepalived or 0, frozenset())
        ours = known[place.daemon] - apart - {place.daemon} - {p.pid for p in aside}
        if children := [p for p in place.processes if p.pid in ours]:
            yield f"children of halbd: {_named(children)}"
    if strays := [process for process in place.processes if process.pid not in owned]:
        yield f"nobody's: {_named(strays)}"


def _retired(place: Place, what: str, them: list[Process]) -> Iterable[str]:
    """They live as long as a client is connected to them: not without one, and no more than there are long watches."""
    if len(them) > place.workers:
        yield f"{len(them)} {what}: {_named(them)}"
    if idle := [process for process in them if process.pid not in place.busy]:
        yield f"{what} without a connection: {_named(idle)}"


def _old_workers(place: Place) -> list[Process]:
    """All but the one that was started last."""
    workers = [p for p in place.processes if place.proxy is not None and p.parent == place.proxy]
    return sorted(workers, key=lambda worker: (worker.started, worker.pid))[:-1]


def _aside(place: Place) -> list[Process]:
    """Envoys that made room for another, and live until their last connection has ended: the same command line."""
    current = next((p for p in place.processes if p.pid == place.proxy), None)
    if current is None:
        return []
    return [p for p in place.processes if p.words == current.words and current.pid not in {p.pid, p.parent}]


def _named(processes: Iterable[Process]) -> str:
    return ", ".join(f"{process.pid} ({' '.join(process.words)[:120]})" for process in processes)
