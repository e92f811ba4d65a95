"""File descriptors: two for each connection."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor.said import fine, unknown, with_config, wrong
from halbd.model.config import Config
from halbd.model.facts import Facts, Unknown
from halbd.model.findings import Said


@with_config
def open_files(_: Config, facts: Facts) -> Iterator[Said]:
    """What max_connections needs against the limit."""
    one = facts.open_files
    if isinstance(one, Unknown):
        yield unknown(one.why)
    elif one.needed > one.allowed:
        how = f"LimitNOFILE={one.needed} by `systemctl edit halbd`" if facts.systemd else f"ulimit -Hn {one.needed}"
        cure = f"{how}, or a lower max_connections"
        yield wrong(f"max_connections needs {one.needed} open files, and {one.whose} allows {one.allowed}", cure)
    else:
        yield fine(f"max_connections needs {one.needed} open files, and {one.whose} allows {one.allowed}")
