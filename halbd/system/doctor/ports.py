"""Who listens on the frontends' ports, and which service started it."""

from __future__ import annotations

import re
from pathlib import Path

from halbd.decide.listen import sockets
from halbd.model.config import Config, Proxy
from halbd.model.facts import PortHolder
from halbd.model.paths import Paths
from halbd.system.process import Listener, arguments_of, belongs, listeners
from halbd.system.programs import proxy_account


def holders(config: Config, paths: Paths) -> tuple[PortHolder, ...]:
    """One for each socket; the holder of another account is visible to root only. Raises HalbdError."""
    ports = frozenset(port for _, port in sockets(config))
    return tuple(_holder(one, config.proxy, paths) for one in listeners(ports))


def _holder(one: Listener, proxy: Proxy, paths: Paths) -> PortHolder:
    unit = _service(one.pid) if one.pid else ""
    ours = one.pid is not None and _is_ours(one.pid, proxy, paths)
    return PortHolder(one.address, one.port, one.pid, one.name, unit, ours)


def _is_ours(pid: int, proxy: Proxy, paths: Paths) -> bool:
    """As noted.py finds it. Raises HalbdError: there is no such account."""
    has_words = any(word.startswith(f"{paths.current}/") for word in arguments_of(pid))
    return has_words and belongs(pid, frozenset({0, proxy_account(proxy).pw_uid}))


def _service(pid: int) -> str:
    """The service whose control group the process is in (cgroups(7)), or ""."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""
    found = re.search(r"/system\.slice/([^/\n]+\.service)$", text, re.MULTILINE)
    return found[1] if found else ""
