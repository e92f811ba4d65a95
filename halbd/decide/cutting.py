"""Connections that are stuck on a server whose checks fail: cut, so that their clients go elsewhere.

Either proxy can do so itself the moment a server goes down. But HAProxy (`on-marked-down shutdown-sessions`) then also
kills connections that it was just about to try on another server: one new connection in some thousands failed. And
Envoy (`close_connections_on_host_health_failure`) does so as well to a server that it has put aside for refusing new
connections: its watches are well, and all of them would go to the next one. So halbd waits until every new connection
has been retried, and has the rest cut: long watches on a server that hangs.
"""

from __future__ import annotations

from halbd.model.effects import CutConnections, Effect
from halbd.model.evidence import ProxyView, ServerState
from halbd.model.replacing import replace
from halbd.model.state import ServerRef, State

MARGIN = 1.0
"""Seconds beyond the longest try, after which no connection is still being tried on a server that is down."""
LONGEST_TRY = 127.0
"""Seconds after which the kernel itself gives up (tcp(7), tcp_syn_retries), as with `timeouts.connect: 0`."""


def seen(state: State, view: ProxyView, now: float) -> State:
    """Note which servers their checks took down, and forget those that are back."""
    down = {
        ServerRef(frontend.name, server.name, server.address)
        for frontend in view.frontends
        for server in frontend.servers
        if server.state is ServerState.DOWN and not server.aside
    }
    if not (down or state.down):
        return state
    began = {server: state.down.get(server, now) for server in down}
    return replace(state, down=began, cut=state.cut & down)


def due(state: State, now: float) -> tuple[State, tuple[Effect, ...]]:
    """Cut what is due, once for each time that a server goes down."""
    if not state.down:
        return state, ()
    servers = {server for server, at in _times(state).items() if now >= at}
    effects = tuple(CutConnections(one.frontend, one.name, one.address) for one in sorted(servers))
    return replace(state, cut=state.cut | servers) if servers else state, effects


def next_due(state: State) -> float | None:
    """When the next is due (monotonic seconds)."""
    return min(_times(state).values(), default=None) if state.down else None


def _times(state: State) -> dict[ServerRef, float]:
    """When each server that is down, and was not cut yet, is due."""
    tries = {one.name: min(one.timeouts.connect or LONGEST_TRY, LONGEST_TRY) for one in state.config.frontends}
    return {
        s: at + tries[s.frontend] + MARGIN for s, at in state.down.items() if s.frontend in tries and s not in state.cut
    }
