"""Rules about times: what one clock of the file must leave to another."""

from __future__ import annotations

import math
from collections.abc import Iterator

from halbd.decide.timing import proxy_drop_time
from halbd.model.config import Frontend
from halbd.parse.finding import Finding, Place
from halbd.parse.models import HealthSection
from halbd.parse.view import View

_PATIENCE = 10
"""How many times its own reaction time the node may wait for the proxy to drop a dead server."""


def timeout_within_interval(view: View) -> Iterator[Finding]:
    """A probe ends before the next begins. Equal is fine: the defaults of `health` are."""
    health = view.file.health
    pairs: list[tuple[Place, float, float]] = [(("health", "timeout"), health.timeout, health.interval)]
    pairs += [
        (("frontends", i, "check", "timeout"), frontend.check.timeout, frontend.check.interval)
        for i, frontend in enumerate(view.frontends)
    ]
    for place, timeout, interval in pairs:
        if timeout > interval:
            yield Finding(
                place, f"{timeout:g} is longer than the interval, {interval:g}", f"write {interval:g} or less"
            )


def proxy_drops_in_time(view: View) -> Iterator[Finding]:
    """Until the proxy has dropped a dead server, a failed probe may be the server's fault and not this node's."""
    health = view.file.health
    most = _PATIENCE * (health.fall * health.interval + health.timeout)
    for i, frontend in enumerate(view.frontends):
        drop = proxy_drop_time(frontend)
        if drop > most:
            what = f"the proxy needs {drop:g} s to drop a dead server, more than the {most:g} s that this node can wait"
            yield Finding(("frontends", i, "check"), what, _remedy(frontend, health, most))


def _remedy(frontend: Frontend, health: HealthSection, most: float) -> str:
    """The value of check.interval that would do, where there is one; else that of health.fall."""
    check = frontend.check
    each = most / check.fall  # a check that cannot connect takes its interval or `connect`, whichever is shorter
    interval = math.floor(max(each / 2, each - frontend.timeouts.connect) * 100) / 100
    if interval >= check.timeout:
        return f"write check.interval: {interval:g} or less"
    fall = math.ceil((proxy_drop_time(frontend) / _PATIENCE - health.timeout) / health.interval)
    return f"write health.fall: {fall} or more"
