"""Owner and mode of everything on the way to what keepalived runs."""

from __future__ import annotations

import os
from pathlib import Path

from halbd.model.facts import Component
from halbd.model.paths import Paths
from halbd.system.programs import find
from halbd.system.surroundings import check_program, interpreter, way


def components(paths: Paths) -> tuple[tuple[Component, ...], ...]:
    """setpriv, the interpreter and halbd-check, each from the file up to /, with the links and where they lead.

    halbd-check's copy is made by the first start; before that its folder is looked at.

    Raises:
        OSError: one of them cannot be looked at.
        HalbdError: setpriv is not installed.
    """
    return tuple(look(Path(one)) for one in (find("setpriv"), interpreter(), check_program(paths)))


def look(path: Path) -> tuple[Component, ...]:
    """The way to one file. Raises OSError."""
    return tuple(_component(part) for part in way(path) if os.path.lexists(part))


def _component(path: Path) -> Component:
    status = path.lstat()
    return Component(str(path), status.st_uid, status.st_gid, status.st_mode)
