"""What an operator can do about each cause of a verdict."""

from __future__ import annotations

from typing import Any

NEXT = {
    "proxy_dead": "halbd starts it again by itself; why it ended: journalctl -u halbd -n 50",
    "proxy_hung": "it lives and answers nobody; `kill -9 -- -{pid}` makes halbd start a new one",
    "local_probe": "no good answer through the proxy; if servers are up, compare health.path and check.expect",
    "vip_unserved": "it answers locally only; without a cure above: `ip addr`, `nft list ruleset`, frontends[].bind",
    "maintenance": "nothing, where halbd is being stopped; `halbctl undrain` ends a drain",
    "proxy_unstable": "it serves again; why it died so often: `halbctl status`, journalctl -u halbd -n 50",
    "no_servers": "the fault lies behind this node: look at the API servers and the network to them",
}


def advice(cause: str, status: dict[str, Any]) -> str:
    """One sentence, or "" for a cause that this version does not know."""
    return NEXT.get(cause, "").format(pid=status.get("proxy", {}).get("pid"))
