"""When all is as it should be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from halbd.model.config import Config

SERVING = ("up", "no check")


def unsteady(
    config: Config, holders: Iterable[tuple[str, tuple[str, ...]]], statuses: Mapping[str, dict[str, Any] | None]
) -> tuple[str, ...]:
    """What is not as it should be: one holder per VIP (the preferred one where it preempts), every node well."""
    prefer = {str(vip.address): vip.prefer for vip in config.vips if config.vrrp.preempt}
    complaints = [_holding(vip, nodes, prefer.get(vip)) for vip, nodes in holders]
    complaints += [_node(name, status) for name, status in statuses.items()]
    return tuple(complaint for complaint in complaints if complaint)


def _holding(vip: str, nodes: tuple[str, ...], preferred: str | None) -> str:
    if len(nodes) != 1:
        return f"{vip} is held by {' and '.join(nodes) or 'nobody'}"
    return f"{vip} is held by {nodes[0]} and not by {preferred}" if preferred not in (None, nodes[0]) else ""


def _node(name: str, status: dict[str, Any] | None) -> str:
    if status is None:
        return f"halbd on {name} does not answer"
    reasons = ", ".join(f"{reason['cause']} ({reason['detail']})" for reason in status["reasons"])
    if not status["healthy"]:
        return f"{name} is not healthy: {reasons or 'no reason given'}"
    servers = [server for frontend in status["frontends"] for server in frontend["servers"]]
    down = [server["name"] for server in servers if server["state"] not in SERVING]
    return f"{name} sees these servers not up: {', '.join(down)}" if down or not servers else ""
