"""One daemon for each pair of folders: two would fight over one proxy."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Self

from halbd.model.errors import HalbdError
from halbd.model.paths import Paths
from halbd.system import files


class OnlyOne:
    """A lock for as long as the block, or the process, lasts."""

    def __init__(self, paths: Paths) -> None:
        """Make the folders and take the lock on them. Raises HalbdError where another halbd has it, and OSError."""
        for folder in (paths.runtime, paths.state, paths.track_folder):
            files.folder(folder)
        self._path = paths.runtime / "halbd.lock"
        self._file = _locked(self._path)

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self._file.close()

    def put_back(self) -> None:
        """Lock the file of that name again, where somebody has removed it. Raises as the constructor."""
        try:
            same = os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            same = False
        if not same:
            before, self._file = self._file, _locked(self._path)
            before.close()


def _locked(path: Path) -> IO[str]:
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise HalbdError(f"cannot start: another halbd runs on {path.parent}") from error
    return lock
