"""What halbd has seen, with the time it was seen at. `at` and `since` are CLOCK_MONOTONIC seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from halbd.model.config import Address, Scheme


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of both clocks: decisions use `mono`, people read `wall` (UTC)."""

    mono: float
    wall: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """What one probe asks. `vip` is set when it goes through a VIP, so only while this node holds it."""

    name: str
    frontend: str
    address: Address
    port: int
    scheme: Scheme
    path: str
    expect: tuple[int, ...]
    server_name: str
    ca: str | None
    timeout: float
    vip: Address | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One answer, or its absence. `connected` is False when not even the TCP connection to the proxy came about.

    `ours`: the question could not be asked, for want of a descriptor or memory here; it says nothing of the proxy.
    """

    target: Target
    ok: bool
    connected: bool
    status: int | None
    latency: float
    at: Now
    error: str
    ours: bool = False


@dataclass(frozen=True)  # without slots: see replacing.py
class Streak:
    """Rise and fall over one series of yes and no; `up` is None before the first.

    `run` counts the latest equal results, `failing_since` is when the present series of failures began.
    """

    up: bool | None = None
    run: int = 0
    last_ok: bool = False
    failing_since: float | None = None


class ServerState(StrEnum):
    """A server as the proxy sees it."""

    UP = "up"
    DOWN = "down"
    MAINT = "maint"
    DRAIN = "drain"
    STARTING = "starting"
    NO_CHECK = "no check"


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server; `check` is the proxy's own word for its last check, such as "L7STS 500".

    `connections` is open ones now, `total` all since this proxy, or its last worker, began. `aside`: it is down because
    it refuses connections; its checks do not say so, and those that it has are well.
    """

    name: str
    address: str
    state: ServerState
    check: str
    connections: int = 0
    total: int = 0
    aside: bool = False

    @property
    def usable(self) -> bool:
        """Whether the proxy would send it a new connection."""
        return self.state in (ServerState.UP, ServerState.STARTING, ServerState.NO_CHECK)


@dataclass(frozen=True, slots=True)
class FrontendView:
    """One frontend and the servers behind it."""

    name: str
    servers: tuple[ServerView, ...]


@dataclass(frozen=True, slots=True)
class ProxyView:
    """What the proxy's admin socket says. `version`: of the program that answers, which may not be the one on disk."""

    frontends: tuple[FrontendView, ...]
    version: str = ""

    @property
    def blind(self) -> tuple[str, ...]:
        """The frontends that have no usable server."""
        return tuple(f.name for f in self.frontends if not any(s.usable for s in f.servers))


@dataclass(frozen=True, slots=True)
class Held:
    """A VIP on one of this node's interfaces."""

    interface: str
    since: Now
