"""What keepalived runs each second: can anybody but root change it? By keepalived's own rule for scripts."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from halbd.decide.doctor.said import fine, unknown, wrong
from halbd.model.facts import Component, Facts, Unknown
from halbd.model.findings import Said


def security(facts: Facts) -> Iterator[Said]:
    """Every component from / to each of the files, links and what they lead to (keepalived.conf(5))."""
    if isinstance(facts.programs, Unknown):
        yield unknown(facts.programs.why)
        return
    bad = [(part, why, cure) for path in facts.programs for part in path for why, cure in _wrong(part)]
    for part, why, cure in dict.fromkeys(bad):
        yield wrong(f"{part.path} {why}", cure)
    if not bad:
        yield fine(f"only root can change {', '.join(path[0].path for path in facts.programs)}")


def _wrong(part: Component) -> Iterator[tuple[str, str]]:
    if stat.S_ISLNK(part.mode):  # its mode says nothing (symlink(7)); the folder it is in is a component too
        if part.uid != 0:
            yield f"is a link of uid {part.uid}", f"chown -h root {part.path}"
        return
    sticky = stat.S_ISDIR(part.mode) and part.mode & stat.S_ISVTX
    if part.uid != 0:
        yield f"belongs to uid {part.uid}", f"chown root {part.path}"
    if part.mode & stat.S_IWOTH and not sticky:
        yield "can be written by everybody", f"chmod o-w {part.path}"
    if part.mode & stat.S_IWGRP and part.gid != 0:
        yield f"can be written by the group {part.gid}", f"chmod g-w {part.path}"
    if not part.mode & (stat.S_IXOTH if stat.S_ISDIR(part.mode) else stat.S_IROTH):
        yield "is closed to the account that runs it", f"chmod o+rX {part.path}"
