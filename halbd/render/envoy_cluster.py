"""One cluster per frontend: how its servers are judged and chosen, and the servers themselves."""

from __future__ import annotations

from typing import Final

from halbd.model.config import Balance, Check, Config, Frontend, Server, is_address
from halbd.render.envoy_check import health_check, tls
from halbd.render.envoy_listener import BUFFER
from halbd.render.envoy_words import Json, duration, socket_address, typed
from halbd.render.words import name

# As for clients (envoy_listener.py).
_KEEPALIVE: Final = {"keepalive_time": 30, "keepalive_interval": 10, "keepalive_probes": 3}

# The listener limits the connections; Envoy's default, 1024 for each cluster, would bite first.
_NO_LIMIT: Final = 2**32 - 1

# By default Envoy sends to dead servers as well when half of them are dead ("panic"), and keeps the news of a server
# from its worker threads for up to a second, to give them several at once.
_BALANCING: Final = {"healthy_panic_threshold": {"value": 0}, "update_merge_window": duration(0)}

# In percent: as long as one server in a thousand is up, the first priority takes all.
_ONE_IS_ENOUGH: Final = 100_000

# As HAProxy asks by default (Configuration Manual, 5.3.2, "timeout resolve"). A TTL makes no difference to either.
_DNS_EVERY: Final = 1.0

# One question to each name server, a second each, for A and then for AAAA. By default c-ares asks four times, from 5 s
# on, and Envoy listens nowhere until every name was asked for once. The next lookup is a second away anyway.
_RESOLVER: Final = {"query_timeout_seconds": 1, "query_tries": 1}

# "No limit" for a connect: the kernel itself gives up after 127 s by default (tcp(7), tcp_syn_retries).
_LONGEST_CONNECT: Final = 600.0


def cluster(frontend: Frontend) -> Json:
    """A config.cluster.v3.Cluster, without its type and its servers. Raises ValueError (a bug) on a bad name."""
    return {
        "name": name(frontend.name),
        "connect_timeout": duration(frontend.timeouts.connect or _LONGEST_CONNECT),
        "per_connection_buffer_limit_bytes": BUFFER,
        "load_balancing_policy": {"policies": [{"typed_extension_config": _policy(frontend.balance)}]},
        "common_lb_config": _BALANCING,
        "health_checks": [health_check(frontend.check)],
        **tls(frontend.check),
        "outlier_detection": _outliers(frontend.check),
        "circuit_breakers": {"thresholds": [_unlimited()]},
        "upstream_connection_options": {"tcp_keepalive": _KEEPALIVE},
        # A server that leaves the list leaves at once, well or not.
        "ignore_health_on_host_removal": True,
    }


def has_host_names(frontend: Frontend) -> bool:
    """Whether Envoy must resolve a name for it."""
    return any(not is_address(server.address) for server in frontend.servers)


def assignment(frontend: Frontend) -> Json:
    """A config.endpoint.v3.ClusterLoadAssignment: who takes the connections first, and who when those are down.

    Each backup has a priority of its own, so that they are used one after the other, as HAProxy does.
    """
    first = [server for server in frontend.servers if not server.backup]
    steps = [*([first] if first else []), *([server] for server in frontend.servers if server.backup)]
    return {
        "cluster_name": name(frontend.name),
        "endpoints": [
            {"priority": priority, "lb_endpoints": [_endpoint(server) for server in servers]}
            for priority, servers in enumerate(steps)
        ],
        "policy": {"overprovisioning_factor": _ONE_IS_ENOUGH},
    }


def inline(config: Config, frontend: Frontend) -> Json:
    """The servers as part of the cluster. Only so does Envoy resolve names: EDS takes addresses alone.

    The family of the nodes is preferred; every name is asked for again and again, as its addresses may change. A lookup
    that fails changes nothing, but a name that has no address has no server: docs/decisions/0007.
    """
    if not has_host_names(frontend):
        return {"type": "STATIC", "load_assignment": assignment(frontend)}
    family = "V4_PREFERRED" if config.node.address.version == 4 else "AUTO"
    settings: Json = {
        "dns_lookup_family": family,
        "dns_refresh_rate": duration(_DNS_EVERY),
        "typed_dns_resolver_config": {
            "name": "envoy.network.dns_resolver.cares",
            "typed_config": typed("extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", _RESOLVER),
        },
    }
    kind = {"name": "envoy.clusters.dns", "typed_config": typed("extensions.clusters.dns.v3.DnsCluster", settings)}
    return {"cluster_type": kind, "load_assignment": assignment(frontend)}


def _endpoint(server: Server) -> Json:
    """`hostname` is what the admin socket calls it. Weight 0 means no new connections: Envoy says that otherwise."""
    share: Json = {"load_balancing_weight": server.weight} if server.weight else {"health_status": "DRAINING"}
    host = {"address": socket_address(server.address, server.port), "hostname": name(server.name)}
    return {"endpoint": host} | share


def _policy(balance: Balance) -> Json:
    """The policy of config.cluster.v3.LoadBalancingPolicy."""
    match balance:
        case Balance.ROUNDROBIN:
            kind, settings = "round_robin.v3.RoundRobin", {}
        case Balance.LEASTCONN:
            kind, settings = "least_request.v3.LeastRequest", {"selection_method": "FULL_SCAN"}
        case Balance.SOURCE:  # a server's death moves its own clients only
            kind, settings = "ring_hash.v3.RingHash", {}
    policy = "envoy.load_balancing_policies." + kind.partition(".")[0]
    return {"name": policy, "typed_config": typed(f"extensions.load_balancing_policies.{kind}", settings)}


def _outliers(check: Check) -> Json:
    """A server that refuses three connections in a row gets no more until its next good check, nor does the last one.

    99 percent: the last server is never put aside, since a fault of our own network looks like this too.
    """
    pause = duration(check.interval)
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "interval": pause,
        "base_ejection_time": pause,
        "max_ejection_time": pause,
        "max_ejection_percent": 99,
    }


def _unlimited() -> Json:
    keys = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return dict.fromkeys(keys, _NO_LIMIT)
