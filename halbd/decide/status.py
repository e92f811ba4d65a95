"""The status object of the contract, from the state and the moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from halbd import __version__
from halbd.decide import wire
from halbd.decide.draining import until
from halbd.decide.holding import role
from halbd.decide.hung import unhelped
from halbd.decide.verdict import active_targets, verdict
from halbd.model.config import Frontend, Server, is_address
from halbd.model.evidence import FrontendView, Now, ServerState, ServerView
from halbd.model.service import Idle
from halbd.model.state import Mended, State
from halbd.model.transition import Transition
from halbd.model.verdict import Verdict

VERSION = 1
"""Of the status object; it changes when a field changes its meaning or goes."""


def stamp(moment: datetime) -> str:
    """RFC 3339, UTC, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def status(state: State, now: Now) -> dict[str, Any]:
    """Everything that `GET /status` says."""
    answer = verdict(state, now)
    return {
        "version": VERSION,
        "halbd": __version__,
        "cluster": state.config.cluster,
        "node": state.config.node.name,
        "role": role(state, now).value,
        "healthy": answer.healthy,
        "reasons": _reasons(answer),
        "vips": _vips(state),
        "proxy": _proxy(state),
        "probes": _probes(state),
        "frontends": [_frontend(state, frontend) for frontend in state.config.frontends],
        "keepalived": _keepalived(state, now),
        "helper": _helper(state, now),
        "config": _config(state),
        "maintenance": _maintenance(state, now),
        "daemon": {"started_at": stamp(state.begun.wall), "upgrade_failed": state.upgrade_failed or None},
        "history": {"unwritten": state.unwritten, "why": state.unwritten_why or None},
        "transitions": [transition(one) for one in state.transitions],
    }


def check(state: State, now: Now) -> dict[str, Any]:
    """Everything that `GET /check` says; `monotonic` lets halbd-check see an answer that is too old."""
    answer = verdict(state, now)
    return {"ok": answer.ok, "stale": answer.stale, "monotonic": now.mono, "reasons": _reasons(answer)}


def transition(one: Transition) -> dict[str, Any]:
    """One line of the history."""
    return {
        "at": stamp(one.at),
        "vip": str(one.vip),
        "interface": one.interface,
        "change": "gained" if one.gained else "lost",
        "role_before": one.role_before.value,
        "role_after": one.role_after.value,
        "lasted_s": None if one.lasted is None else round(one.lasted, 6),
        "cause": one.cause,
    }


def _reasons(answer: Verdict) -> list[dict[str, str]]:
    return [{"cause": r.cause.value, "detail": r.detail, "since": stamp(r.since)} for r in answer.reasons]


def _vips(state: State) -> list[dict[str, Any]]:
    def one(address: Any, interface: str) -> dict[str, Any]:
        held = state.held.get(address)
        since = state.role_since.get(address) or (held.since if held else None)
        return {
            "address": str(address),
            "interface": interface,
            "held": held is not None,
            "since": stamp(since.wall) if since else None,
        }

    return [one(vip.address, vip.interface) for vip in state.config.vips]


def _proxy(state: State) -> dict[str, Any]:
    proxy = state.proxy
    return {
        "kind": state.config.proxy.kind.value,
        "pid": proxy.pid,
        "running": proxy.running,
        "version": state.view.version if state.view else "",
        "restarts": proxy.restarts,
        "started_at": stamp(proxy.started.wall) if proxy.started and proxy.running else None,
        "last_exit": proxy.last_exit,
        "mute": state.mute or None,
    }


def _probes(state: State) -> list[dict[str, Any]]:
    rows = []
    for target in active_targets(state):
        series = state.series.get(target.name)
        last = series.last if series else None
        rows.append(
            {
                "name": target.name,
                "target": f"{target.scheme}://{target.address}:{target.port}{target.path}",
                "ok": last.ok if last else None,
                "status": last.status if last else None,
                "latency_ms": round(last.latency * 1000, 3) if last else None,
                "at": stamp(last.at.wall) if last else None,
                "error": (last.error or None) if last else None,
            }
        )
    return rows


def _frontend(state: State, frontend: Frontend) -> dict[str, Any]:
    views = state.view.frontends if state.view else ()
    view = next((one for one in views if one.name == frontend.name), None)
    servers = [_server(server, _seen(server, view)) for server in frontend.servers]
    return {"name": frontend.name, "port": frontend.port, "servers": servers}


def _server(server: Server, seen: ServerView) -> dict[str, Any]:
    return {
        "name": server.name,
        "address": _place(server),
        "state": seen.state.value,
        "check": seen.check,
        "connections": seen.connections,
        "connections_total": seen.total,
    }


def _place(server: Server) -> str:
    return f"[{server.address}]:{server.port}" if ":" in server.address else f"{server.address}:{server.port}"


def _seen(server: Server, view: FrontendView | None) -> ServerView:
    """A name may have several addresses, each of which is a server to Envoy: it is as well as the best of them."""
    found = [one for one in view.servers if one.name == server.name] if view else []
    if len(found) < 2:
        return found[0] if found else _unseen(server, view)
    best, *_, worst = sorted(found, key=lambda one: not one.usable)
    words = f"{sum(one.usable for one in found)} of {len(found)} addresses; {worst.address}: {worst.check}"
    return replace(best, check=words, connections=sum(s.connections for s in found), total=sum(s.total for s in found))


def _unseen(server: Server, view: FrontendView | None) -> ServerView:
    """Not known to the proxy: not yet, or, to Envoy, for as long as the DNS has no address for its name."""
    if view is not None and not is_address(server.address):
        return ServerView(server.name, "", ServerState.DOWN, "its name has no address")
    return ServerView(server.name, "", ServerState.STARTING, "")


def _keepalived(state: State, now: Now) -> dict[str, Any]:
    managed = "child" if state.keepalived_is_child else "systemd" if state.keepalived_is_unit else "none"
    hung = state.guard.hung
    return {
        "managed": managed,
        "pid": state.keepalived.pid,
        "running": state.keepalived.running,
        "hung": {"why": hung.why, "since": stamp(hung.since.wall)} if hung else None,
        "stopped": _stopped(state.guard.idle, now),
        "silent": _silent(state),
        "adverts": _adverts(state, now) if state.guard.heard_since is not None else None,
    }


def _helper(state: State, now: Now) -> dict[str, Any] | None:
    """Why it cannot be asked, if so."""
    one = unhelped(state, now)
    return {"why": one.why, "since": stamp(one.since.wall)} if one else None


def _stopped(idle: Idle | None, now: Now) -> dict[str, Any] | None:
    if idle is None:
        return None
    since = None if idle.since is None else stamp(now.wall - timedelta(seconds=now.mono - idle.since))
    return {"why": idle.why, "since": since, "cure": idle.cure}


def _silent(state: State) -> dict[str, Any] | None:
    """The VIPs that nobody is heard to hold, and that keepalived does not take."""
    nobody = {vip: since for vip, since in state.guard.quiet.items() if vip in state.guard.nobody}
    if not nobody:
        return None
    return {"vips": [str(vip) for vip in nobody], "since": stamp(min(nobody.values(), key=lambda one: one.mono).wall)}


def _adverts(state: State, now: Now) -> list[dict[str, Any]]:
    """The last VRRP advert of each node, and of anybody else who uses a virtual_router_id of ours."""
    return [
        {
            "node": state.config.node.name if one.own else wire.name(state.config, one),
            "source": str(one.advert.source),
            "own": one.own,
            "interface": one.interface,
            "virtual_router_id": one.advert.virtual_router_id,
            "priority": one.advert.priority,
            "age_s": round(now.mono - one.at, 1),
        }
        for one in sorted(state.guard.claims, key=lambda one: (not one.own, one.at))
    ]


def _maintenance(state: State, now: Now) -> dict[str, Any] | Literal[False]:
    """The drain: `offered` while the VIPs are offered to the peers, then `drained`; false where there is none."""
    one = state.maintenance
    if one is None:
        return False
    end = until(one, now)
    return {
        "state": "offered" if one.withdrawn is None else "drained",
        "since": stamp(one.since),
        "until": stamp(end) if end else None,
    }


def _config(state: State) -> dict[str, Any]:
    rejected = state.rejected
    return {
        "digest": state.config.digest,
        "applied_at": stamp(state.applied.wall) if state.applied else None,
        "rejected": {"at": stamp(rejected.at), "problems": list(rejected.problems)} if rejected else None,
        "mended": _mended(state.mended) if state.mended else None,
    }


def _mended(one: Mended) -> dict[str, Any]:
    return {
        "at": stamp(one.at),
        "files": list(one.files),
        "kept": one.kept,
        "complaint": one.complaint or None,
        "times": one.times,
    }
