"""halbd.yaml after the door: typed, complete, and already seen from this node. Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


def is_address(text: str) -> bool:
    """The text is an IP address, and not a host name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class ProxyKind(StrEnum):
    """The program that carries the connections."""

    HAPROXY = "haproxy"
    ENVOY = "envoy"


class Mode(StrEnum):
    """What a frontend carries: tcp passes TLS through untouched."""

    TCP = "tcp"


class Balance(StrEnum):
    """How a frontend picks a server."""

    ROUNDROBIN = "roundrobin"
    LEASTCONN = "leastconn"
    SOURCE = "source"


class Scheme(StrEnum):
    """How a server is asked whether it is well."""

    HTTPS = "https"
    HTTP = "http"
    TCP = "tcp"


class OnNoServers(StrEnum):
    """What an outage behind the proxy does to this node's claim on the VIP."""

    LOWER_PRIORITY = "lower_priority"
    FAIL = "fail"
    IGNORE = "ignore"


class Manage(StrEnum):
    """Who runs keepalived."""

    AUTO = "auto"
    SYSTEMD = "systemd"
    CHILD = "child"
    NONE = "none"


class LogFormat(StrEnum):
    """auto: console on a terminal, entries with fields in the journal, else json."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least level that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Node:
    """One load-balancer VM. A higher VRRP priority (1 to 254) is preferred."""

    name: str
    address: Address
    priority: int


@dataclass(frozen=True, slots=True)
class Vip:
    """One virtual IP; `prefer` names the node that should hold it, and VIPs that share it move together."""

    address: Address
    prefix_length: int
    interface: str
    virtual_router_id: int
    prefer: str

    def __str__(self) -> str:
        """The address with its prefix length, as ip(8) writes it."""
        return f"{self.address}/{self.prefix_length}"


@dataclass(frozen=True, slots=True)
class Vrrp:
    """VRRP as keepalived.conf(5) names it; `auth_pass` is the content of auth_pass_file, version 2 only."""

    version: int = 3
    advert_int: float = 0.2
    unicast: bool = True
    preempt: bool = True
    preempt_delay: float = 0
    auth_pass: str | None = None

    def __repr__(self) -> str:
        """Keep the secret out of every log and traceback."""
        return (
            f"Vrrp(version={self.version}, advert_int={self.advert_int}, auth_pass={'***' if self.auth_pass else None})"
        )


@dataclass(frozen=True, slots=True)
class Proxy:
    """Which proxy; `binary` and `user` are None where the node's own are to be found."""

    kind: ProxyKind = ProxyKind.HAPROXY
    binary: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Of a connection through the proxy; 0 is no limit."""

    connect: float = 5
    client: float = 0
    server: float = 0


@dataclass(frozen=True, slots=True)
class Server:
    """One API server behind a frontend; `address` is an IP address or a host name."""

    name: str
    address: str
    port: int
    weight: int = 1
    backup: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """How the proxy judges a server. `ca` is the PEM text of ca_file; None: not verified (`insecure`, or no TLS)."""

    scheme: Scheme
    path: str
    expect: tuple[int, ...]
    ca: str | None
    server_name: str
    interval: float
    timeout: float
    rise: int
    fall: int


@dataclass(frozen=True, slots=True)
class Frontend:
    """One listening port and the servers behind it; `bind` is None for every address."""

    name: str
    bind: Address | None
    port: int
    mode: Mode
    balance: Balance
    max_connections: int
    timeouts: Timeouts
    servers: tuple[Server, ...]
    check: Check


@dataclass(frozen=True, slots=True)
class Health:
    """How halbd judges this node."""

    path: str = "/healthz"
    interval: float = 1
    timeout: float = 1
    rise: int = 3
    fall: int = 2
    on_no_servers: OnNoServers = OnNoServers.LOWER_PRIORITY


@dataclass(frozen=True, slots=True)
class Keepalived:
    """Who runs keepalived, and the file it reads where that is not halbd."""

    manage: Manage = Manage.AUTO
    config_file: str = "/etc/keepalived/keepalived.conf"


@dataclass(frozen=True, slots=True)
class Log:
    """How halbd's own log is written."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file as `node` sees it. `digest` is the SHA-256 of the file's bytes: equal on every node, or skewed."""

    cluster: str
    node: Node
    nodes: tuple[Node, ...]
    vips: tuple[Vip, ...]
    vrrp: Vrrp
    proxy: Proxy
    frontends: tuple[Frontend, ...]
    health: Health
    keepalived: Keepalived
    log: Log
    digest: str

    def __hash__(self) -> int:
        """Cheap, for what is worked out once for each config is looked up at every turn of the loop."""
        return hash((self.digest, self.node.name))
