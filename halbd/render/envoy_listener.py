"""One listener per frontend: raw TCP to its cluster. Nothing of the servers stands here.

A listener that changes, or goes, leaves its connections until --drain-time-s is over, and then closes them. The port is
part of its name: Envoy lets no two listeners change places, but removes those that go before it adds those that come.
The bind is not: a listener that moves on the same port keeps it open throughout; two that would change places are for
a hand-over (halbd.decide.change).

SO_REUSEPORT stays on, as is Envoy's default: a second Envoy can then take over the port while the first still holds it,
and a listener can move between "*" and one address. The price: a bind is no guard against a second Envoy of the same
user, so halbd looks for listeners before it starts one.
"""

from __future__ import annotations

from typing import Final

from halbd.decide.listen import all_addresses, sockets_of
from halbd.model.config import Balance, Config, Frontend, Timeouts
from halbd.render.envoy_words import Json, duration, socket_address, typed
from halbd.render.words import name

# Envoy's soft limit of what it holds for a slow reader, each way; its default of 1 MiB is 20 GB for 10,000 connections.
BUFFER: Final = 65536

STATS: Final = "frontend"
"""Before a frontend's name in the stats of its listener: "admin" is the admin socket's own."""

# A peer that vanished is found in 30 + 3 * 10 s when the connection is idle (SO_KEEPALIVE, TCP_KEEPIDLE, _INTVL, _CNT),
# and in 60 s when unacknowledged data are under way (TCP_USER_TIMEOUT): tcp(7). Accepted sockets inherit all of them.
_SOCKET_OPTIONS: Final = ((1, 9, 1), (6, 4, 30), (6, 5, 10), (6, 6, 3), (6, 18, 60000))

# A server is put aside after three refusals in a row (envoy_cluster.py): so two servers that refuse and are not yet
# known to cost no connection, whatever the balancing. The short pause lets that word reach every worker thread.
_ATTEMPTS: Final = 7
_PAUSE: Final = {"base_interval": duration(0.01), "max_interval": duration(0.1)}


def listener(config: Config, frontend: Frontend) -> Json:
    """A config.listener.v3.Listener, without its type. Raises ValueError (a bug) on a bad name."""
    first, *others = _addresses(config, frontend)
    more = {"additional_addresses": [{"address": other} for other in others]} if others else {}
    # A VIP is bound before it is held. Envoy needs no privilege for that (ip(7), IP_FREEBIND).
    free = {"freebind": True} if frontend.bind in {vip.address for vip in config.vips} else {}
    return {
        "name": _listener(frontend),
        "stat_prefix": f"{STATS}.{name(frontend.name)}",
        "address": first,
        **more,
        **free,
        "socket_options": [
            {"level": level, "name": option, "int_value": value, "state": "STATE_PREBIND"}
            for level, option, value in _SOCKET_OPTIONS
        ],
        "per_connection_buffer_limit_bytes": BUFFER,
        "filter_chains": [{"filters": [_tcp_proxy(frontend)]}],
    }


def limits(config: Config) -> Json:
    """The runtime keys that limit each listener's connections: changed in the running Envoy, nothing is drained."""
    key = "envoy.resource_limits.listener.{}.connection_limit"
    return {key.format(_listener(frontend)): frontend.max_connections for frontend in config.frontends}


def _listener(frontend: Frontend) -> str:
    return f"{name(frontend.name)}:{frontend.port}"


def _addresses(config: Config, frontend: Frontend) -> list[Json]:
    """The bind; loopback besides where that is a VIP, for this node's own probe."""
    if frontend.bind is None:
        return [_every_address(config, frontend.port)]
    return [socket_address(str(address), port) for address, port in sockets_of(config, frontend)]


def _every_address(config: Config, port: int) -> Json:
    every = all_addresses(config)
    if every.version == 6:
        return {"socket_address": {"address": str(every), "port_value": port, "ipv4_compat": True}}
    return socket_address(str(every), port)


def _tcp_proxy(frontend: Frontend) -> Json:
    proxy: Json = {
        "stat_prefix": name(frontend.name),
        "cluster": name(frontend.name),
        "idle_timeout": _idle(frontend.timeouts),
        "max_connect_attempts": _ATTEMPTS,
        "backoff_options": _PAUSE,
    }
    if frontend.balance is Balance.SOURCE:
        proxy["hash_policy"] = [{"source_ip": {}}]
    kind = "extensions.filters.network.tcp_proxy.v3.TcpProxy"
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": typed(kind, proxy)}


def _idle(timeouts: Timeouts) -> str:
    """Envoy counts silence of both sides together, as HAProxy does: the shorter limit holds. 0 is none."""
    return duration(min((one for one in (timeouts.client, timeouts.server) if one > 0), default=0))
