"""The lab's folder below /run, and what a crashed lab left behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from halbd.lab import memory, namespaces
from halbd.lab.command import run
from halbd.system.process import Identity, identity

HOME = Path("/run")
STEM = "halbd-lab-"
OWNER = "lab.json"
YOUNG = 10.0  # seconds in which a folder may still be waiting for its record


@dataclass(frozen=True, slots=True)
class Folder:
    """One lab's folder, named after its id. Everything of the lab bears the id, so that it can be found again."""

    path: Path

    @property
    def id(self) -> str:
        """Four hexadecimal digits."""
        return self.path.name.removeprefix(STEM)

    @property
    def prefix(self) -> str:
        """What the names of its namespaces start with."""
        return f"halbd-{self.id}-"

    def owner(self) -> Identity | None:
        """The process that built it, or None when it is gone: a PID with its start time is not used again."""
        try:
            record = json.loads((self.path / OWNER).read_text())
            recorded = Identity(record["pid"], record["start_ticks"])
        except (OSError, ValueError, KeyError, TypeError):
            return identity(os.getpid()) if self._young() else None
        return recorded if identity(recorded.pid) == recorded else None

    def _mounts(self) -> tuple[Path, ...]:
        """The file systems that are mounted below it (proc_pid_mountinfo(5))."""
        places = (Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines())
        return tuple(place for place in places if self.path in place.parents)

    def _young(self) -> bool:
        try:
            return time.time() - self.path.stat().st_mtime < YOUNG
        except OSError:
            return False

    async def remove(self) -> None:
        """End every process in its namespaces, delete them, then its cgroups, mounts and folder. Raises LabError."""
        for namespace in await namespaces.named(self.prefix):
            await namespaces.remove(namespace)
        memory.remove(f"{self.path.name}-")
        for place in self._mounts():
            await run("umount", "--lazy", str(place))
        shutil.rmtree(self.path, ignore_errors=True)


def create() -> Folder:
    """A new folder that this process owns. World-readable as /run/halbd is: the proxy runs as a user of its own."""
    while True:
        folder = Folder(HOME / f"{STEM}{secrets.token_hex(2)}")
        try:
            folder.path.mkdir(mode=0o755)
        except FileExistsError:
            continue
        break
    me = identity(os.getpid())
    (folder.path / OWNER).write_text(json.dumps({"pid": os.getpid(), "start_ticks": me.start_ticks if me else 0}))
    return folder


def folders() -> tuple[Folder, ...]:
    """Every lab's folder on this machine."""
    return tuple(Folder(path) for path in sorted(HOME.glob(f"{STEM}*")))


async def clean() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what crashed labs left; the ids that were removed, and those of labs that are running. Raises LabError."""
    removed, running = [], []
    for folder in folders():
        if folder.owner() is None:
            await folder.remove()
            removed.append(folder.id)
        else:
            running.append(folder.id)
    return tuple(removed), tuple(running)
