"""Who listens on the frontends' ports, and which service started it."""

from __future__ import annotations

import re
from pathlib import Path

from halbd.decide.listen import sockets
from halbd.model.config import Config
from halbd.model.facts import PortHolder
from halbd.model.paths import Paths
from halbd.system.process import Listener, arguments_of, listeners


def holders(config: Config, paths: Paths) -> tuple[PortHolder, ...]:
    """One for each socket; the holder of another account is visible to root only."""
    ports = frozenset(port for _, port in sockets(config))
    return tuple(_holder(one, paths) for one in listeners(ports))


def _holder(one: Listener, paths: Paths) -> PortHolder:
    words = arguments_of(one.pid) if one.pid else ()
    ours = any(word.startswith(f"{paths.current}/") for word in words)  # as noted.py finds it
    unit = _service(one.pid) if one.pid else ""
    return PortHolder(one.address, one.port, one.pid, one.name, unit, ours)


def _service(pid: int) -> str:
    """The service whose control group the process is in (cgroups(7)), or ""."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""
    found = re.search(r"/system\.slice/([^/\n]+\.service)$", text, re.MULTILINE)
    return found[1] if found else ""
