"""The processes of one namespace, as /proc tells them."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from halbd.lab.command import run
from halbd.system.process import arguments_of, identity


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `words` is its command line, `started` clock ticks since boot."""

    pid: int
    parent: int
    words: tuple[str, ...]
    started: int = 0


async def processes(namespace: str) -> tuple[Process, ...]:
    """Every process in `namespace`, zombies left out. Raises LabError."""
    pids = map(int, (await run("ip", "netns", "pids", namespace)).split())
    return tuple(found for pid in pids if (found := _process(pid)) is not None)


def _process(pid: int) -> Process | None:
    """None for one that has ended meanwhile."""
    words = tuple(word for word in arguments_of(pid) if word)
    who, fields = identity(pid), _stat(pid)
    return Process(pid, int(fields[2]), words, who.start_ticks) if words and who and fields else None


def zombies(parents: Collection[int]) -> tuple[Process, ...]:
    """The children of these that have ended and were not reaped: they are in no namespace any more."""
    found = ((int(path.name), _stat(int(path.name))) for path in Path("/proc").iterdir() if path.name.isdigit())
    return tuple(
        Process(pid, int(fields[2]), (fields[0],))
        for pid, fields in found
        if fields and fields[1] == "Z" and int(fields[2]) in parents
    )


def _stat(pid: int) -> list[str]:
    """The fields of proc_pid_stat(5) from the second on: name, state, parent; none for one that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return [name, *rest.split()]


def below(processes: Iterable[Process], root: int) -> frozenset[int]:
    """The PIDs of `root` and of all that descend from it."""
    everybody, found = tuple(processes), {root}
    while more := {p.pid for p in everybody if p.parent in found} - found:
        found |= more
    return frozenset(found)


def dead_sockets(folder: Path) -> tuple[Path, ...]:
    """The socket files below `folder` on which nobody listens: unix(7) refuses the connection then."""
    return tuple(path for path in sorted(folder.rglob("*")) if path.is_socket() and _refuses(path))


def _refuses(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)  # its only parameter
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:  # gone meanwhile, or nobody accepts: a daemon that hangs listens all the same
            return False
    return False


def open_files(pid: int) -> int:
    """How many files a process has open; 0 when it has ended."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0
