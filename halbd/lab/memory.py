"""Takes the memory away from processes: what they have they keep, and for anything more the kernel kills them."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

LIMIT = 64 * 1024  # bytes, beyond what was charged elsewhere before they moved: a cgroup charges what is new
VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")


def group(lab: str, node: str) -> str:
    """What the names of that node's cgroups start with, in the lab of that folder's name."""
    return f"{lab}-{node}-"


def groups(start: str) -> tuple[Path, ...]:
    """The cgroups whose name starts so."""
    return tuple(path for root in (VERSION_1, VERSION_2) for path in sorted(root.glob(f"{start}*")))


def remove(start: str) -> None:
    """Remove them; nobody is in them any more."""
    for path in groups(start):
        with contextlib.suppress(OSError):
            path.rmdir()


class Scarce:
    """`with Scarce(name, pids) as scarce`: a cgroup of its own where this machine lets us, else RLIMIT_AS.

    A limit of the address space does not kill: the program gets ENOMEM, and does what it does then. `how` says which.
    """

    def __init__(self, name: str, pids: Collection[int]) -> None:
        self._name, self._pids = name, pids
        self._folder: Path | None = None
        self.how = ""

    def __enter__(self) -> Self:
        """Take it away."""
        for root, limit in ((VERSION_1, "memory.limit_in_bytes"), (VERSION_2, "memory.max")):
            if self._confined(root / self._name, limit):
                self.how = "cgroup"
                return self
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_AS, (LIMIT, resource.RLIM_INFINITY))
        self.how = "rlimit"
        return self

    def _confined(self, folder: Path, limit: str) -> bool:
        try:
            folder.mkdir()
        except OSError:
            return False
        self._folder = folder
        try:
            (folder / limit).write_text(str(LIMIT))
            for pid in self._pids:
                with contextlib.suppress(ProcessLookupError):
                    (folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            self._leave()
            return False
        return True

    def _leave(self) -> None:
        """Back to where everybody is, and remove the cgroup."""
        folder, self._folder = self._folder, None
        if folder is None:
            return
        with contextlib.suppress(OSError):
            for pid in (folder / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    (folder.parent / "cgroup.procs").write_text(pid)
        with contextlib.suppress(OSError):
            folder.rmdir()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give it back."""
        self._leave()
        if self.how == "rlimit":
            for pid in self._pids:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
