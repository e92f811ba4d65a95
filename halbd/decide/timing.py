"""How long the proxy needs to see what halbd sees."""

from __future__ import annotations

from halbd.model.config import Frontend


def proxy_drop_time(frontend: Frontend) -> float:
    """Seconds until the proxy has dropped a server that died, in the longest case: it falls silent after a good check.

    Until then a probe through the proxy may still go to the dead server, so that its failure says nothing of this node.
    HAProxy's `timeout check` begins when the connection is there; until then a check may take the shorter of `inter`
    and `timeout connect` (its configuration manual, 4.2, "timeout check"; measured).
    """
    check = frontend.check
    silent = max(min(check.interval, frontend.timeouts.connect), check.timeout)
    return check.fall * (check.interval + silent)
