"""A status object as the daemon gives it, well and not so well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


def transition(at: str = "2026-05-01T08:00:00.000000Z", change: str = "gained", **more: Any) -> dict[str, Any]:
    """One transition."""
    roles = ("backup", "master") if change == "gained" else ("master", "backup")
    where = {"at": at, "vip": "10.10.50.4", "interface": "eth0", "change": change}
    return where | {"role_before": roles[0], "role_after": roles[1], "lasted_s": 75.5, "cause": "peer gone"} | more


def status(**more: Any) -> dict[str, Any]:
    """A healthy holder."""
    servers = [
        {"name": "cp1", "address": "10.10.50.11:6443", "state": "up", "check": "L7OK 200"},
        {"name": "cp-long-name", "address": "10.10.50.12:6443", "state": "down", "check": "L7STS 500"},
    ]
    probe = {
        "name": "local/kube-apiserver", "target": "https://127.0.0.1:6443/healthz", "ok": True, "status": 200,
        "latency_ms": 3.2, "at": "2026-05-04T11:59:59.000000Z", "error": None,
    }  # fmt: skip
    return {
        "version": 1, "halbd": "0.1.0", "cluster": "kubernetes", "node": "lb1", "role": "master", "healthy": True,
        "reasons": [],
        "vips": [{"address": "10.10.50.4", "interface": "eth0", "held": True, "since": "2026-05-01T08:00:00.000000Z"}],
        "proxy": {"kind": "haproxy", "pid": 812, "running": True, "version": "2.6.12", "restarts": 0,
                  "started_at": "2026-05-01T07:59:58.000000Z", "last_exit": None},
        "probes": [probe],
        "frontends": [{"name": "kube-apiserver", "port": 6443, "servers": servers}],
        "keepalived": {"managed": "systemd", "pid": 700, "running": True},
        "config": {"digest": "ab12cd34ef567890" * 4, "applied_at": "2026-05-04T11:00:00.000000Z", "rejected": None},
        "maintenance": False,
        "transitions": [transition()],
    } | more  # fmt: skip


def sick() -> dict[str, Any]:
    """A node whose proxy died and whose file on disk is wrong."""
    return status(
        role="fault",
        healthy=False,
        reasons=[
            {"cause": "proxy_dead", "detail": "haproxy was killed by signal 9", "since": "2026-05-04T11:59:48.000000Z"},
            {"cause": "no_such_cause", "detail": "from a newer halbd", "since": "2026-05-04T11:58:00.000000Z"},
        ],
        vips=[{"address": "10.10.50.4", "interface": "eth0", "held": False, "since": "2026-05-04T11:59:48.100000Z"}],
        proxy={"kind": "haproxy", "pid": None, "running": False, "version": "2.6.12", "restarts": 3, "started_at": None,
               "last_exit": "killed by signal 9"},
        keepalived={"managed": "child", "pid": None, "running": False},
        config={"digest": "ab12", "applied_at": None, "rejected": {
            "at": "2026-05-04T11:57:00.000000Z", "problems": ["line 12: frontends[0].port: 70000 is not a port"]}},
    )  # fmt: skip
