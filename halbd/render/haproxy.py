"""haproxy.cfg: TCP through to the API servers, each judged by a request that verifies certificate and status."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.listen import all_addresses, local_address
from halbd.model.config import Address, Balance, Check, Config, Frontend, Scheme, Server, Timeouts, is_address
from halbd.model.files import Surroundings
from halbd.model.paths import Paths
from halbd.render.words import Line, document, line, name, seconds, section

# HAProxy warns of `timeout client 0` just as of none at all, and refuses more than 2^31-1 ms (24.8 days). 24 days are
# accepted in silence; a connection that is idle for longer is found dead by the TCP keepalives anyway.
_NO_LIMIT = "24d"
_LONGEST = 24 * 86400

# A peer that vanished is found in 30 + 3 * 10 s when the connection is idle (TCP_KEEPIDLE, _INTVL, _CNT), and in 60 s
# when unacknowledged data are under way, where keepalives are silent (tcp(7), TCP_USER_TIMEOUT).
_KEEPALIVE = (("idle", "30s"), ("intvl", "10s"), ("cnt", "3"))
_USER_TIMEOUT = ("tcp-ut", "60s")

_RESOLVERS = "halbd"


def ca_file(frontend: Frontend) -> str:
    """The name of the file that carries the frontend's CA; haproxy.cfg names it without a folder."""
    return f"ca-{name(frontend.name)}.crt"


def haproxy(config: Config, around: Surroundings) -> str:
    """The text of haproxy.cfg, for HAProxy 2.4 or later under `-W -S`. Raises ValueError (a bug) on a bad word."""
    return document(_sections(config, Paths(around.state, around.runtime, around.state)))


def _sections(config: Config, paths: Paths) -> Iterator[Line]:
    yield from section(line("global"), _global(config, paths))
    yield from section(line("defaults"), _defaults())
    if _has_host_names(config):
        yield from section(line("resolvers", _RESOLVERS), _resolvers())
    for frontend in config.frontends:
        yield from section(line("frontend", name(frontend.name)), _frontend(config, frontend))
        yield from section(line("backend", name(frontend.name)), _backend(config, frontend))


def _global(config: Config, paths: Paths) -> Iterator[Line]:
    """No user, group or chroot: halbd starts HAProxy without privileges. `default-path` makes ca-file relative."""
    yield line("default-path", "config")
    yield line("maxconn", sum(frontend.max_connections for frontend in config.frontends))
    yield line("stats", "socket", paths.admin_socket, "mode", "660", "level", "admin", "expose-fd", "listeners")
    yield line("stats", "timeout", "1m")
    yield line("server-state-file", paths.server_state)
    yield line("hard-stop-after", "24h")
    if _has_host_names(config):
        # The C library is to look into /etc/hosts, and not to ask the DNS (resolv.conf(5)): while nobody answers there,
        # each name would keep `haproxy -c` and the start waiting for 20 s. The section `resolvers` asks.
        yield line("setenv", "RES_OPTIONS", "attempts:0")


def _defaults() -> Iterator[Line]:
    """A connection that a server refuses goes to another one at once: `redispatch 1` means on every retry."""
    yield line("mode", "tcp")
    yield line("timeout", "client-fin", "30s")
    yield line("timeout", "queue", "10s")
    yield line("retries", "3")
    yield line("option", "redispatch", "1")
    for side in ("clitcpka", "srvtcpka"):
        yield line("option", side)
        for key, value in _KEEPALIVE:
            yield line(f"{side}-{key}", value)
    yield line("load-server-state-from-file", "global")


def _resolvers() -> Iterator[Line]:
    """Servers given by host name: asked for every second, by default. What a name had is kept when it has no more.

    Without `hold` an outage of the DNS would take them out of service after 30 s (docs/decisions/0007).
    """
    yield line("parse-resolv-conf")
    yield line("accepted_payload_size", "8192")
    for status in ("nx", "refused", "timeout", "other"):
        yield line("hold", status, _NO_LIMIT)


def _frontend(config: Config, frontend: Frontend) -> Iterator[Line]:
    yield from _binds(config, frontend)
    yield line("maxconn", frontend.max_connections)
    yield line("timeout", "client", _limit(frontend.timeouts.client))
    yield line("default_backend", name(frontend.name))


def _binds(config: Config, frontend: Frontend) -> Iterator[Line]:
    """A VIP is bound before it is held (`transparent`); loopback besides, for this node's own probe."""
    if frontend.bind is None:
        yield _bind_all(config, frontend.port)
        return
    is_vip = frontend.bind in {vip.address for vip in config.vips}
    yield line("bind", _socket(frontend.bind, frontend.port), *(("transparent",) if is_vip else ()), *_USER_TIMEOUT)
    local = local_address(config, frontend)
    if frontend.bind != local:
        yield line("bind", _socket(local, frontend.port))


def _bind_all(config: Config, port: int) -> Line:
    if all_addresses(config).version == 6:
        return line("bind", f":::{port}", "v4v6", *_USER_TIMEOUT)
    return line("bind", f"*:{port}", *_USER_TIMEOUT)


def _backend(config: Config, frontend: Frontend) -> Iterator[Line]:
    yield line("balance", frontend.balance.value)
    if frontend.balance is Balance.SOURCE:
        yield line("hash-type", "consistent")  # a server's death moves its own clients only
    yield from _timeouts(frontend.timeouts, frontend.check)
    if frontend.check.scheme is not Scheme.TCP:
        yield from _http_check(frontend.check)
    yield from _default_server(frontend)
    for server in frontend.servers:
        yield _server(config, server)


def _timeouts(timeouts: Timeouts, check: Check) -> Iterator[Line]:
    """`timeout check` counts once the check is connected; connecting may take the lesser of `connect` and `inter`."""
    yield line("timeout", "connect", _limit(timeouts.connect))
    yield line("timeout", "server", _limit(timeouts.server))
    yield line("timeout", "check", seconds(check.timeout))


def _http_check(check: Check) -> Iterator[Line]:
    """One request of HTTP/1.1; a status that is not listed is a failure (L7STS)."""
    yield line("option", "httpchk")
    if check.scheme is Scheme.HTTPS:
        yield line("http-check", "connect", "ssl", "sni", name(check.server_name), "alpn", "http/1.1")
    host = ("hdr", "Host", name(check.server_name))
    yield line("http-check", "send", "meth", "GET", "uri", check.path, "ver", "HTTP/1.1", *host)
    yield line("http-check", "expect", "status", ",".join(str(status) for status in check.expect))


def _default_server(frontend: Frontend) -> Iterator[Line]:
    for words in _every_server(frontend):
        yield line("default-server", *words)


def _every_server(frontend: Frontend) -> Iterator[tuple[str | int, ...]]:
    """`fastinter` holds while a server is between up and down, so that a change is judged quickly."""
    check = frontend.check
    timing = ("inter", seconds(check.interval), "fastinter", seconds(min(1, check.interval)))
    yield ("check", *timing, "fall", check.fall, "rise", check.rise)
    if check.scheme is Scheme.HTTPS:
        yield ("check-ssl", *_verify(frontend))


def add_server(frontend: Frontend, server: Server) -> tuple[str, ...]:
    """The commands that add a server, given by address, to a running HAProxy (management guide, 9.3, "add server").

    It inherits nothing from `default-server`, and starts disabled and unchecked.
    """
    place = f"{name(frontend.name)}/{name(server.name)}"
    words = [word for words in _every_server(frontend) for word in words]
    backup = ("backup",) if server.backup else ()
    socket = f"{_host(server)}:{server.port}"
    add = line("add", "server", place, socket, *words, "weight", server.weight, *backup)
    return (add, line("enable", "health", place), line("enable", "server", place))


def set_weight(frontend: Frontend, server: Server) -> tuple[str, ...]:
    """The command that gives a server of a running HAProxy another weight (management guide, 9.3, "set server")."""
    return (line("set", "server", f"{name(frontend.name)}/{name(server.name)}", "weight", server.weight),)


def _verify(frontend: Frontend) -> tuple[str, ...]:
    """`verifyhost` is the documented way to compare the name on checks (Configuration Manual, 5.2)."""
    if frontend.check.ca is None:
        return ("verify", "none")
    return ("verify", "required", "ca-file", ca_file(frontend), "verifyhost", name(frontend.check.server_name))


def _server(config: Config, server: Server) -> Line:
    words = [f"{_host(server)}:{server.port}", "weight", str(server.weight)]
    if server.backup:
        words.append("backup")
    if _is_host_name(server):
        family = f"ipv{config.node.address.version}"
        words += ["init-addr", "last,libc,none", "resolvers", _RESOLVERS, "resolve-prefer", family]
    return line("server", name(server.name), *words)


def _host(server: Server) -> str:
    return f"[{server.address}]" if ":" in server.address else name(server.address)


def _has_host_names(config: Config) -> bool:
    return any(_is_host_name(server) for frontend in config.frontends for server in frontend.servers)


def _is_host_name(server: Server) -> bool:
    return not is_address(server.address)


def _socket(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _limit(timeout: float) -> str:
    """A timeout where 0 means no limit."""
    return seconds(timeout) if 0 < timeout < _LONGEST else _NO_LIMIT
