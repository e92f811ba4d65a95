"""halbd.yaml as it is written: every key, its default and its meaning. The JSON Schema is made from this."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from halbd.model.config import Address, Balance, LogFormat, LogLevel, Manage, Mode, OnNoServers, ProxyKind, Scheme
from halbd.parse import leaves
from halbd.parse.leaves import Json
from halbd.parse.servers import server_from_text

_Name = Annotated[str, leaves.word("a name")]
_NodeName = Annotated[str, leaves.word("the name of a node")]
_Bool = Annotated[bool, leaves.TRUTH]
_Port = Annotated[int, leaves.PORT]
_Address = Annotated[Address, leaves.ADDRESS]
_HttpPath = Annotated[str, leaves.HTTP_PATH]
_FileName = Annotated[str, leaves.FILE]
_Interval = Annotated[float, leaves.seconds(0.05, 3600)]
_Timeout = Annotated[float, leaves.seconds(0.01, 3600)]
_Limit = Annotated[float, leaves.seconds(0.01, 604_800, or_zero=True)]
_Count = Annotated[int, leaves.whole(1, 100, "a count")]


class _Section(BaseModel):
    """Unknown keys and loose types are errors; values are frozen once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class NodeSection(_Section):
    """One load-balancer VM."""

    name: _NodeName = Field(description="The node's name, in logs and status, and for `prefer`.")
    address: _Address = Field(description="The VM's own address; VRRP adverts are sent between these.")
    priority: Annotated[int, leaves.whole(1, 254, "a priority")] | None = Field(
        default=None, description="VRRP priority; default 254, 253, 252 … in list order."
    )


class VipSection(_Section):
    """One virtual IP."""

    address: Annotated[IPv4Interface | IPv6Interface, leaves.INTERFACE] = Field(
        description="IPv4 or IPv6, not link-local; a prefix length may be given, /32 or /128 is the default."
    )
    interface: Annotated[str, leaves.word("the name of an interface", 15)] | None = Field(
        default=None, description="Default: the interface that carries this node's address."
    )
    virtual_router_id: Annotated[int, leaves.whole(1, 255, "a virtual_router_id")] | None = Field(
        default=None, description="Default: the last byte of the address. Unique on its network."
    )
    prefer: _NodeName | None = Field(
        default=None,
        description="The node that should hold it; default: the first. VIPs with the same `prefer` move together.",
    )


class VrrpSection(_Section):
    """How the nodes agree on who holds a VIP."""

    version: Annotated[int, leaves.whole(2, 3, "a version of VRRP")] = Field(default=3, description="2 or 3.")
    advert_int: Annotated[float, leaves.seconds(0.01, 255)] = Field(
        default=0.2,
        description="Seconds of silence, three times over, after which a holder is taken for dead; whole seconds under "
        "version 2. Under version 3 up to five adverts are sent in each, so that lost ones do no harm.",
    )
    unicast: _Bool = Field(default=True, description="Adverts to the listed nodes only; false: multicast.")
    preempt: _Bool = Field(default=True, description="A returning node of higher priority takes the VIP back.")
    preempt_delay: Annotated[float, leaves.seconds(0, 1000)] = Field(
        default=0, description="Seconds longer that a node waits before it takes the VIP back."
    )
    auth_pass_file: _FileName | None = Field(
        default=None, description="Version 2 only: a file of mode 0600 that holds at most 8 bytes."
    )


class ProxySection(_Section):
    """The program that carries the connections."""

    kind: Annotated[ProxyKind, leaves.choice(ProxyKind)] = Field(
        default=ProxyKind.HAPROXY, description="haproxy or envoy."
    )
    binary: Annotated[str, leaves.ABSOLUTE] | None = Field(
        default=None, description="Default: found on PATH; for envoy else the one of halbd[envoy]."
    )
    user: (
        Annotated[str, leaves.text("[A-Za-z_][A-Za-z0-9_.-]*", 32, "an account", "write the name of an account")] | None
    ) = Field(default=None, description="Default: the distribution's user for it (haproxy, envoy, else nobody).")


class TimeoutsSection(_Section):
    """Seconds; 0 is no limit."""

    connect: _Limit = Field(default=5, description="To a server.")
    client: _Limit = Field(default=0, description="Silence of the client; watches live for hours.")
    server: _Limit = Field(default=0, description="Silence of the server; watches live for hours.")


class ServerSection(_Section):
    """One API server behind a frontend: "host:port", or a mapping."""

    name: Annotated[str, leaves.word("the name of a server", more=":")] | None = Field(
        default=None, description="Default: host:port."
    )
    address: Annotated[str, leaves.HOST] = Field(
        description="An IP address or a host name, for which the proxy asks the DNS every second."
    )
    port: _Port = Field(description="Its TCP port.")
    weight: Annotated[int, leaves.whole(0, 256, "a weight")] = Field(
        default=1, description="Its share of the connections."
    )
    backup: _Bool = Field(default=False, description="Used only when no other server is up.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        return server_from_text(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> Json:
        """Both spellings."""
        return {"anyOf": [{"type": "string", "description": "host:port or [IPv6]:port"}, handler(core)]}


class CheckSection(_Section):
    """How a server is judged, by the proxy."""

    scheme: Annotated[Scheme, leaves.choice(Scheme)] = Field(default=Scheme.HTTPS, description="https, http or tcp.")
    path: _HttpPath = Field(default="/readyz", description="Asked for on the server.")
    expect: tuple[Annotated[int, leaves.whole(100, 599, "an HTTP status")], ...] = Field(
        default=(200,), min_length=1, description="The statuses that mean well."
    )
    ca_file: _FileName | None = Field(
        default=None,
        description="PEM certificates that vouch for the servers; default ca.crt; relative names start from /etc/halbd."
        " Required for https, unless `insecure: true` is written out.",
    )
    insecure: _Bool = Field(default=False, description="Do not verify the servers' certificates.")
    server_name: Annotated[str, leaves.HOST] = Field(
        default="kubernetes", description="The name that the certificate must carry."
    )
    interval: _Interval = Field(default=2, description="Seconds between two checks of a server.")
    timeout: _Timeout = Field(default=1, description="Seconds that a server has to answer; at most `interval`.")
    rise: _Count = Field(default=2, description="Good checks in a row that bring a server up.")
    fall: _Count = Field(default=2, description="Bad checks in a row that take a server down.")


class FrontendSection(_Section):
    """One listening port and the servers behind it."""

    name: _Name = Field(default="kube-apiserver", description="The frontend's name, in logs and status.")
    bind: Annotated[Literal["*"] | Address, leaves.BIND] = Field(default="*", description="An address, or * for all.")
    port: _Port = Field(default=6443, description="The TCP port that clients connect to.")
    mode: Annotated[Mode, leaves.choice(Mode)] = Field(
        default=Mode.TCP, description="tcp: TLS passes through untouched."
    )
    balance: Annotated[Balance, leaves.choice(Balance)] = Field(
        default=Balance.ROUNDROBIN, description="roundrobin, leastconn or source."
    )
    max_connections: Annotated[int, leaves.whole(1, 1_000_000, "a number of connections")] = Field(
        default=10_000, description="Connections at the same time; the file limit must allow them."
    )
    timeouts: TimeoutsSection = TimeoutsSection()
    servers: tuple[ServerSection, ...] = Field(min_length=1, description="The API servers.")
    check: CheckSection = CheckSection()


class HealthSection(_Section):
    """How this node is judged, by halbd."""

    path: _HttpPath = Field(
        default="/healthz", description="Asked for through the local proxy, and through each VIP it holds."
    )
    interval: Annotated[float, leaves.seconds(0.05, 60)] = Field(default=1, description="Seconds between two probes.")
    timeout: Annotated[float, leaves.seconds(0.01, 60)] = Field(
        default=1, description="Seconds for an answer; at most `interval`."
    )
    rise: _Count = Field(default=3, description="Good probes in a row that make the node well.")
    fall: _Count = Field(default=2, description="Bad probes in a row that make the node ill.")
    on_no_servers: Annotated[OnNoServers, leaves.choice(OnNoServers)] = Field(
        default=OnNoServers.LOWER_PRIORITY,
        description="What an outage behind the proxy does: lower_priority, fail or ignore.",
    )


class KeepalivedSection(_Section):
    """Who runs keepalived."""

    manage: Annotated[Manage, leaves.choice(Manage)] = Field(
        default=Manage.AUTO,
        description="systemd, child or none; auto: systemd where it runs, else child. For a child under systemd "
        "halbd.service needs a drop-in (docs/decisions/0012).",
    )
    config_file: Annotated[str, leaves.ABSOLUTE] = Field(
        default="/etc/keepalived/keepalived.conf",
        description="The file that keepalived reads; child: a file of halbd's own.",
    )


class MetricsSection(_Section):
    """Numbers for a monitoring system."""

    listen: Annotated[str, leaves.text(r"[0-9A-Za-z.:*\[\]-]+", 64, "address:port", "write null")] | None = Field(
        default=None, description="A TCP address:port with /metrics and /check; null: none."
    )


class LogSection(_Section):
    """halbd's own log."""

    level: Annotated[LogLevel, leaves.choice(LogLevel)] = Field(
        default=LogLevel.INFO, description="The least level written."
    )
    format: Annotated[LogFormat, leaves.choice(LogFormat)] = Field(
        default=LogFormat.AUTO,
        description="json or console. auto: console on a terminal, entries with fields in the journal, else json.",
    )


class File(_Section):
    """The one file of halbd, the same on every node. Times are seconds."""

    cluster: _Name = Field(default="kubernetes", description="Names this group in logs, status and metrics.")
    nodes: tuple[NodeSection, ...] = Field(
        min_length=1, description="Every load-balancer VM; list order is preference."
    )
    vips: tuple[VipSection, ...] = Field(min_length=1, description="The virtual IPs that move between the nodes.")
    vrrp: VrrpSection = VrrpSection()
    proxy: ProxySection = ProxySection()
    frontends: tuple[FrontendSection, ...] = Field(min_length=1, description="What the proxy listens for.")
    health: HealthSection = HealthSection()
    keepalived: KeepalivedSection = KeepalivedSection()
    metrics: MetricsSection = MetricsSection()
    log: LogSection = LogSection()
