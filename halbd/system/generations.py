"""Generations on disk: each in a folder of its own, one of them in force by a symbolic link."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from halbd.model.files import File, FileSet
from halbd.model.host import SecretFile
from halbd.model.paths import Paths
from halbd.system import checkers
from halbd.system import files as disk

KEPT = 5
"""Generations that are kept for people to compare."""
SOURCE = "halbd.yaml"
INPUTS = "inputs.json"


@dataclass(frozen=True, slots=True)
class Source:
    """What a generation was made from: the operator's text, and every file that it names, by path."""

    text: bytes
    inputs: Mapping[str, bytes]

    def read(self, path: Path) -> bytes:
        """Read a named file as it was then. Raises FileNotFoundError."""
        try:
            return self.inputs[str(path)]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "it was not there when this generation was made", str(path)) from None

    def read_secret(self, path: Path) -> SecretFile:
        """The same for a secret; our copy is 0600."""
        return SecretFile(self.read(path), 0o600)


def stage(paths: Paths, files: FileSet, source: Source) -> Path:
    """Write a generation beside the others, not yet in force. Raises OSError."""
    disk.folder(paths.generations)
    folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=paths.generations))
    try:
        folder.chmod(0o755)
        checkers.write(files, folder)
        checkers.write(FileSet((_source_file(source), _inputs_file(source))), folder)
    except BaseException:
        discard(folder)
        raise
    return folder


def discard(folder: Path) -> None:
    """Remove a generation that is not to be."""
    shutil.rmtree(folder, ignore_errors=True)


def commit(paths: Paths, folder: Path, files: FileSet) -> Path | None:
    """Put a staged generation in force; returns the one before it. Raises OSError.

    One of the same content may be there, and even be the one in force: it is renewed file by file, never away.
    """
    before = current(paths)
    final = paths.generations / _name(files, (folder / SOURCE).read_bytes())
    if final.exists():
        for path in folder.iterdir():
            path.rename(final / path.name)
        discard(folder)
    else:
        folder.rename(final)
    disk.link(paths.current, str(final))
    return before


def changed(paths: Paths, files: FileSet, source: Source) -> tuple[str, ...]:
    """Which files in force are no longer what was written; "current" where something else is in force. Raises OSError.

    Other files in the folder, such as an editor's, are nobody's business.
    """
    folder = paths.generations / _name(files, source.text)
    if not paths.current.is_symlink() or paths.current.readlink() != folder:
        return (paths.current.name,)
    return tuple(file.name for file in files.files if _bytes(folder / file.name) != checkers.content(file))


def mend(paths: Paths, files: FileSet, source: Source) -> None:
    """Put that generation in force again, as it was written. What was in its changed files is kept. Raises OSError."""
    folder = paths.generations / _name(files, source.text)
    paths.kept.mkdir(mode=0o700, exist_ok=True)
    for file in files.files:
        there = _bytes(folder / file.name)
        if there is not None and there != checkers.content(file):
            disk.write(paths.kept / file.name, there, 0o600)
    commit(paths, stage(paths, files, source), files)


def _bytes(path: Path) -> bytes | None:
    """None where there is none that can be read; of a pipe nobody would see the end."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def mark_good(paths: Paths) -> None:
    """The generation in force works: the next start falls back to it. Raises OSError."""
    folder = current(paths)
    if folder is not None and folder != paths.good.resolve():
        disk.link(paths.good, str(folder))


def roll_back(paths: Paths, before: Path | None) -> None:
    """Put the generation before in force again, or none."""
    if before is None:
        paths.current.unlink(missing_ok=True)
    else:
        disk.link(paths.current, str(before))


def current(paths: Paths) -> Path | None:
    """The generation in force."""
    return paths.current.resolve() if paths.current.exists() else None


def last_good(paths: Paths) -> Source | None:
    """What the generation that was last seen to work was made from; None where there is none, or it cannot be read."""
    folder = paths.good.resolve() if paths.good.exists() else current(paths)
    if folder is None:
        return None
    try:
        return Source((folder / SOURCE).read_bytes(), _inputs((folder / INPUTS).read_bytes()))
    except (OSError, ValueError):
        return None


def sign(paths: Paths) -> None:
    """Put what is in force in force once more: to a running Envoy the sign to read all of it. Raises OSError."""
    disk.link(paths.current, str(paths.current.readlink()))


def installed(paths: Paths) -> FileSet:
    """The files in force, as far as they can be read."""
    folder = current(paths)
    paths_there = sorted(folder.iterdir()) if folder else []
    return FileSet(
        tuple(
            File(path.name, path.read_text("utf-8", errors="replace"), secret=not path.stat().st_mode & 0o044)
            for path in paths_there
            if path.name not in {SOURCE, INPUTS} and path.is_file()
        )
    )


def had_other(paths: Paths, generation: str, name: str) -> bool:
    """A file of that earlier generation, as far as it is still there, is not what it is in the one in force."""
    before = _bytes(paths.generations / generation / name)
    return before is not None and before != _bytes(paths.current / name)


def prune(paths: Paths, before: Path | None) -> None:
    """Remove the oldest generations, and what a crash left; not what works, nor `before`, which may be put back."""
    keep = (current(paths), paths.good.resolve(), before)
    folders = [f for f in paths.generations.iterdir() if f.is_dir() and f not in keep]
    staging = [f for f in folders if f.name.startswith(".")]
    done = sorted((f for f in folders if f not in staging), key=lambda f: f.stat().st_mtime, reverse=True)
    for folder in [*staging, *done[KEPT:]]:
        discard(folder)


def _name(files: FileSet, source: bytes) -> str:
    """Named by content: the same file gives the same generation."""
    content = hashlib.sha256(source)
    for file in files.files:
        content.update(file.name.encode() + b"\0" + file.text.encode() + b"\0")
    return content.hexdigest()[:16]


def _source_file(source: Source) -> File:
    return File(SOURCE, source.text.decode(errors="surrogateescape"), secret=True)


def _inputs_file(source: Source) -> File:
    """The named files may be secrets: 0600."""
    return File(INPUTS, json.dumps({path: data.decode("latin-1") for path, data in source.inputs.items()}), secret=True)


def _inputs(text: bytes) -> dict[str, bytes]:
    """What _inputs_file wrote. Raises ValueError."""
    rows = json.loads(text)
    if not isinstance(rows, dict) or not all(isinstance(one, str) for one in rows.values()):
        raise ValueError("not an object of texts")
    return {path: one.encode("latin-1") for path, one in rows.items()}
