"""What rendered files must name of this machine: above all a check command that keepalived can always execute."""

from __future__ import annotations

import stat
import sys
from importlib.util import find_spec
from pathlib import Path

from halbd.model.files import Surroundings
from halbd.model.paths import Paths
from halbd.render.keepalived import check_command
from halbd.system import files
from halbd.system.programs import check_account, find

INTERPRETER = Path("/usr/bin/python3")
"""The distribution's own: root owns it, and it does not go away with a virtual environment."""


def surroundings(paths: Paths) -> Surroundings:
    """Folders, accounts and the check command, as the daemon uses them.

    keepalived starts the command as root and setpriv(1) drops the privileges at once: with another script_user both
    `keepalived -t` and reload_check_config of keepalived 2.2.7 end by a SIGTERM that they send to themselves. And
    where the interpreter is gone setpriv fails, which counts as a failure; keepalived's own failed exec would not.
    """
    user = check_account()
    drop = (find("setpriv"), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--no-new-privs")
    command = (*drop, *check_command(check_program(paths), paths.socket, interpreter()))
    return Surroundings(paths.runtime, paths.state, "root", command)


def interpreter() -> Path:
    """What runs halbd-check."""
    return INTERPRETER if INTERPRETER.exists() else Path(sys.executable).resolve()


def check_program(paths: Paths) -> Path:
    """halbd-check's own file; or, where others could change it or that account cannot read it, our copy."""
    source = _source()
    return source if trusted(source) else paths.state / "halbd-check"


def install_check_program(paths: Paths) -> None:
    """Make the copy, where one is used. Raises OSError."""
    program = check_program(paths)
    if program != _source() and not _same(program, _source()):
        files.write(program, _source().read_bytes(), 0o755)


def put_check_program_back(paths: Paths) -> None:
    """Make the copy again, where one is used and somebody has removed it. Raises OSError."""
    if not check_program(paths).exists():
        install_check_program(paths)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.read_bytes() == other.read_bytes()


def trusted(path: Path) -> bool:
    """Root alone can change the file, and everybody can read it.

    keepalived judges only the first word of a command, which is the interpreter, so halbd judges the script by the
    same rule: every component from / on is root's, and not writable for others unless it is a sticky folder.
    """
    return _readable(path.resolve()) and all(_unchangeable(part) for part in way(path))


def way(path: Path) -> tuple[Path, ...]:
    """The file and every folder and link on the way to it: as it is written, and where each link leads.

    Who can change a link chooses the file, so keepalived too walks the path twice, as configured and as realpath(3)
    gives it. Raises OSError.
    """
    found: dict[Path, None] = {}
    _walk(path.absolute(), found)
    return tuple(found)


def _walk(path: Path, found: dict[Path, None]) -> None:
    for part in (path, *path.parents):
        if part not in found:
            found[part] = None
            if part.is_symlink():
                _walk(part.parent / part.readlink(), found)


def _source() -> Path:
    spec = find_spec("halbd.cli.check")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("halbd/cli/check.py")
    return Path(spec.origin)


def _readable(path: Path) -> bool:
    folders = all(part.stat().st_mode & stat.S_IXOTH for part in path.parents)
    return folders and bool(path.stat().st_mode & stat.S_IROTH)


def _unchangeable(part: Path) -> bool:
    status = part.lstat()
    if stat.S_ISLNK(status.st_mode):
        return status.st_uid == 0  # its mode says nothing (symlink(7))
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    by_others = status.st_mode & stat.S_IWOTH and not sticky
    by_group = status.st_mode & stat.S_IWGRP and status.st_gid != 0
    return status.st_uid == 0 and not by_others and not by_group
