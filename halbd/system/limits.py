"""The file limit: a proxy needs two descriptors for each connection, and HAProxy refuses to start with fewer."""

from __future__ import annotations

import resource

from halbd.model.config import Config
from halbd.model.errors import HalbdError

SPARE = 512
"""Descriptors beyond the connections: listeners, checks, sockets, logs, the descriptors of a reload."""


def descriptors(config: Config) -> int:
    """File descriptors that the proxy needs for `max_connections` of every frontend."""
    checks = sum(len(frontend.servers) for frontend in config.frontends)
    return 2 * sum(frontend.max_connections for frontend in config.frontends) + 2 * checks + SPARE


def raise_file_limit(config: Config) -> None:
    """Raise this process's limit, which its children inherit, to what the config needs (setrlimit(2)).

    Raises:
        HalbdError: the kernel or the service's limit does not allow it.
    """
    need = descriptors(config)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= need:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, max(hard, need)))
    except (OSError, ValueError) as error:
        raise HalbdError(
            f"cannot allow {need} open files, which max_connections needs: the limit is {hard}; "
            "lower max_connections, or raise LimitNOFILE in the unit"
        ) from error
