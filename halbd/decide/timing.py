"""How long the proxy needs to see what halbd sees."""

from __future__ import annotations

import math
from functools import lru_cache

from halbd.model.config import Config, Frontend


def proxy_drop_time(frontend: Frontend) -> float:
    """Seconds until the proxy has dropped a server that died, in the longest case: it falls silent after a good check.

    Until then a probe through the proxy may still go to the dead server, so that its failure says nothing of this node.
    HAProxy's `timeout check` begins when the connection is there; until then a check may take the shorter of `inter`
    and `timeout connect` (its configuration manual, 4.2, "timeout check"; measured).
    """
    return frontend.check.fall * (frontend.check.interval + _longest_check(frontend))


def _longest_check(frontend: Frontend) -> float:
    """Seconds that one check can take: silence while connecting, or after it."""
    connect = frontend.timeouts.connect or math.inf  # 0 is no limit
    return max(min(frontend.check.interval, connect), frontend.check.timeout)


@lru_cache
def patience(config: Config) -> float:
    """Seconds for which a failing probe may be the doing of a server that the proxy has not dropped yet."""
    return max(map(proxy_drop_time, config.frontends)) + 2 * config.health.interval


@lru_cache
def lag(config: Config) -> float:
    """Seconds by which two nodes can differ in noticing that all servers went, or that they are back.

    They make the same checks in the same way, but each begins at its own moment within the interval, the check that
    decides may be the longest on one and short on the other, and each then asks its proxy once in a health.interval.
    """
    checks = max(frontend.check.interval + _longest_check(frontend) for frontend in config.frontends)
    return checks + 2 * config.health.interval
