"""Files that are whole or not there: written aside, then renamed into place (rename(2) is atomic)."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put a whole file in place.

    Raises:
        OSError: it could not be written; what was there before still is.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(name).rename(path)
        _sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Remove a file that may not be there.

    Raises:
        OSError: it could not be removed.
    """
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A name that came or went survives a power cut only when its folder is on disk as well (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folder(path: Path) -> None:
    """See that there is one that everybody may enter, whatever the umask. Raises OSError."""
    missing = [one for one in (path, *path.parents) if not one.is_dir()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        one.chmod(0o755)


class Held:
    """Tells what has a name from another thing of that name: kept open, so that no new one gets its number."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)

    @property
    def replaced(self) -> bool:
        """Another one is there by now. Raises OSError where there is none."""
        return not os.path.samestat(os.fstat(self._descriptor), self.path.stat())

    def follow(self) -> None:
        """From now on it is the one that is there. Raises OSError."""
        before, self._descriptor = self._descriptor, os.open(self.path, os.O_PATH | os.O_CLOEXEC)
        os.close(before)

    def link(self, path: Path) -> None:
        """Make a name lead to it, though its own is gone: a socket too, for as long as this process keeps it open.

        The link in /proc is no path but the thing itself (proc_pid_fd(5)). Raises OSError.
        """
        link(path, f"/proc/{os.getpid()}/fd/{self._descriptor}")

    def close(self) -> None:
        """Let it go."""
        os.close(self._descriptor)


def link(path: Path, target: str) -> None:
    """Point a symbolic link elsewhere, in one step.

    Raises:
        OSError: the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.rename(path)


def append(path: Path, line: str) -> None:
    """Add one line, in one write(2), so that two writers cannot mix theirs.

    Raises:
        OSError: it could not be written; what was written of it is taken back.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        before, data = os.fstat(descriptor).st_size, line.encode() + b"\n"
        if os.write(descriptor, data) < len(data):  # a disk that is nearly full
            os.ftruncate(descriptor, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def overwrite(path: Path, text: str) -> None:
    """Write a text of constant length in place, never truncating: who watches by inotify never reads an empty file.

    Raises:
        OSError: it could not be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.pwrite(descriptor, text.encode(), 0)
        os.ftruncate(descriptor, len(text))  # after the write: what somebody else had put there
    finally:
        os.close(descriptor)
