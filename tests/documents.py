"""A Hypothesis strategy for halbd.yaml: sound documents over the whole schema.

Sound means by the contract: every document of `sound` must become a Config, on the machine that it comes with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_interface
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import assume
from hypothesis import strategies as st

from halbd.model.config import Config
from halbd.model.host import Host, HostAddress, SecretFile
from halbd.model.problem import Problem
from halbd.parse.parse import parse
from tests.sample import read

Json: TypeAlias = dict[str, Any]

WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", fullmatch=True) | st.sampled_from(
    ["on", "1", "global", "x" * 63]
)
INTERFACES = ("eth0", "ens192", "bond0.7", "a" * 15, "0")
PATHS = st.from_regex(r"/([A-Za-z0-9._&*+,=:/?-]|%[0-9A-F]{2}){0,40}", fullmatch=True)
FILES = st.from_regex(r"(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,9}){1,4}", fullmatch=True)
HOST_NAMES = st.from_regex(
    r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,9}[a-zA-Z0-9])?\.){0,3}[a-z]([a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True
)
SECRETS = st.from_regex(r"[A-Za-z0-9%&*+,./:=?_\[\]-]{1,8}", fullmatch=True)
TRUST: list[Json] = [
    {},
    {"scheme": "https", "insecure": True},
    {"ca_file": "other.crt"},
    {"scheme": "http"},
    {"scheme": "tcp"},
]
COUNTS = st.integers(1, 100)
LIMITS = st.just(0) | st.floats(0.01, 604_800) | st.integers(1, 604_800)


@dataclass(frozen=True)
class Given:
    """A document, the machine it is read on, who that is asked to be, and the content of every secret it names."""

    document: Json
    host: Host
    node: str | None
    secret: bytes

    @property
    def text(self) -> bytes:
        """As JSON, which is YAML: so no string can be taken for another type."""
        return json.dumps(self.document, indent=1).encode()

    def parsed(self, text: bytes | None = None) -> Config | tuple[Problem, ...]:
        """What the parser makes of it, or of another text in its place."""

        def read_secret(_: Path) -> SecretFile:
            return SecretFile(self.secret, 0o600)

        return parse(self.text if text is None else text, self.host, read, self.node, read_secret)

    def config(self) -> Config:
        """The Config that it is."""
        parsed = self.parsed()
        assert isinstance(parsed, Config), [str(problem) for problem in parsed]
        return parsed


def _some(draw: st.DrawFn, **keys: st.SearchStrategy[Any]) -> Json:
    """A mapping that has each of these keys or not."""
    return {key: draw(values) for key, values in keys.items() if draw(st.booleans())}


def _address(family: int, number: int) -> str:
    """The address of that number on the one network of that family."""
    return str(IPv4Address("10.10.50.0") + number if family == 4 else IPv6Address("2001:db8::") + number)


def _nodes(draw: st.DrawFn, family: int, lowered: bool) -> list[Json]:
    names = draw(st.lists(WORDS, min_size=1, max_size=5, unique=True))
    numbers = draw(st.lists(st.integers(1, 99), min_size=len(names), max_size=len(names), unique=True))
    nodes: list[Json] = [
        {"name": name, "address": _address(family, number)} for name, number in zip(names, numbers, strict=True)
    ]
    if draw(st.booleans()):
        priorities = draw(st.lists(st.integers(1, 254), min_size=len(names), max_size=len(names), unique=True))
        if not lowered or min(priorities) - 2 * (max(priorities) - min(priorities) + 1) >= 1:
            nodes = [node | {"priority": priority} for node, priority in zip(nodes, priorities, strict=True)]
    return nodes


def _vips(draw: st.DrawFn, families: list[int], nodes: list[Json], interface_known: bool) -> list[Json]:
    numbers = draw(st.lists(st.integers(100, 254), min_size=1, max_size=4, unique=True))
    vips = []
    for number in numbers:
        family = draw(st.sampled_from(families))
        prefix = draw(st.sampled_from(["", "/24", "/32"] if family == 4 else ["", "/64", "/128"]))
        vip: Json = {"address": _address(family, number) + prefix}
        vip |= _some(draw, prefer=st.sampled_from([node["name"] for node in nodes]))
        if draw(st.booleans()):
            vip["virtual_router_id"] = number  # its default, so that none is there twice
        if not interface_known or draw(st.booleans()):
            vip["interface"] = draw(st.sampled_from(INTERFACES))
        vips.append(vip)
    return vips


def _vrrp(
    draw: st.DrawFn, nodes: list[Json], families: list[int], node_family: int, lowered: bool
) -> tuple[Json, bytes]:
    vrrp: Json = {}
    secret = b""
    if families == [4] and draw(st.booleans()):
        vrrp = {"version": 2, "advert_int": draw(st.integers(1, 255))}
        if draw(st.booleans()):
            vrrp["auth_pass_file"] = draw(st.sampled_from(["secret", "/etc/halbd/secret"]))
            secret = draw(SECRETS).encode() + draw(st.sampled_from([b"", b"\n"]))
    elif draw(st.booleans()):
        vrrp = {"advert_int": draw(st.integers(1, 4095)) / 100}
    if len(nodes) == 1 or families != [node_family] or draw(st.booleans()):
        vrrp["unicast"] = False
    if not lowered and draw(st.booleans()):
        vrrp["preempt"] = False
    elif draw(st.booleans()):
        vrrp["preempt_delay"] = draw(st.floats(0, 1000) | st.integers(0, 1000))
    return vrrp, secret


def _server(draw: st.DrawFn, number: int) -> str | Json:
    """The port tells the servers of a frontend apart, and is none that a frontend listens on."""
    address = draw(st.sampled_from([f"10.20.0.{number}", f"2001:db8:1::{number}", "127.0.0.1"]) | HOST_NAMES)
    port = 40_000 + number
    if draw(st.booleans()):
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    named = st.just(f"server:{number}") | WORDS.map(lambda word: f"{word[:50]}-{number}")
    return {"address": address, "port": port} | _some(draw, name=named, weight=st.integers(0, 256))


def _servers(draw: st.DrawFn) -> list[str | Json]:
    servers = [_server(draw, number) for number in range(1, draw(st.integers(1, 6)) + 1)]
    backups = [{"address": "10.30.0.1", "port": 41_000 + i, "backup": True} for i in range(draw(st.integers(0, 2)))]
    return [*servers, *backups]


def _check(draw: st.DrawFn) -> Json:
    interval = draw(st.floats(0.05, 60) | st.integers(1, 60))
    check = {"interval": interval, "timeout": draw(st.floats(0.01, interval))}
    check |= _some(
        draw, path=PATHS, expect=st.lists(st.integers(100, 599), min_size=1, max_size=5), server_name=HOST_NAMES
    )
    check |= _some(draw, rise=COUNTS, fall=st.integers(1, 20))
    return check | draw(st.sampled_from(TRUST))


def _frontends(draw: st.DrawFn, binds: list[str]) -> list[Json]:
    names = draw(st.lists(WORDS, min_size=1, max_size=4, unique=True))
    ports = draw(st.lists(st.integers(1, 39_999), min_size=len(names), max_size=len(names), unique=True))
    shared = draw(st.booleans()) and len(binds) >= len(names)
    chosen = draw(st.permutations(binds))
    frontends = []
    for i, name in enumerate(names):
        frontend = {"name": name, "port": ports[0] if shared else ports[i], "servers": _servers(draw)}
        frontend["bind"] = chosen[i] if shared else draw(st.sampled_from(["*", *binds]))
        frontend["check"] = _check(draw)
        frontend |= _some(
            draw,
            mode=st.just("tcp"),
            balance=st.sampled_from(["roundrobin", "leastconn", "source"]),
            max_connections=st.integers(1, 4000),
            timeouts=st.fixed_dictionaries({}, optional={"connect": LIMITS, "client": LIMITS, "server": LIMITS}),
        )
        frontends.append(frontend)
    return frontends


def _health(draw: st.DrawFn, frontends: list[Json]) -> Json:
    """The node waits for the proxy to drop a dead server, so long as that is within its patience."""
    interval = draw(st.floats(0.05, 60) | st.integers(1, 60))
    health = {"interval": interval, "timeout": draw(st.floats(0.01, interval)), "fall": draw(COUNTS)}
    patience = 10 * (health["fall"] * interval + health["timeout"])
    for check in (frontend["check"] for frontend in frontends):
        assume(check.get("fall", 2) * 2 * check["interval"] <= patience)
    return health | _some(draw, path=PATHS, rise=COUNTS)


@st.composite
def sound(draw: st.DrawFn, /, **proxy: str) -> Given:
    """Any document that is a Config, with the machine it is one on; `proxy` is its section of that name."""
    lowering = draw(st.sampled_from([None, "lower_priority", "fail", "ignore"]))
    lowered = lowering in {None, "lower_priority"}
    node_family = draw(st.sampled_from([4, 6]))
    families = draw(st.sampled_from([[node_family], [4, 6]]))
    nodes = _nodes(draw, node_family, lowered)
    me = draw(st.sampled_from(nodes))
    at_home = draw(st.booleans())
    vips = _vips(draw, families, nodes, at_home)
    vrrp, secret = _vrrp(draw, nodes, families, node_family, lowered)
    frontends = _frontends(draw, [vip["address"].partition("/")[0] for vip in vips])
    health = _health(draw, frontends) | ({"on_no_servers": lowering} if lowering else {})
    more = _some(
        draw,
        cluster=WORDS,
        keepalived=st.fixed_dictionaries(
            {}, optional={"manage": st.sampled_from(["auto", "systemd", "child", "none"]), "config_file": FILES}
        ),
        log=st.fixed_dictionaries({}, optional={"level": st.just("warning"), "format": st.just("json")}),
        metrics=st.just({"listen": None}),
    )
    document = more | {"nodes": nodes, "vips": vips, "vrrp": vrrp, "frontends": frontends, "health": health}
    if proxy:
        document["proxy"] = proxy
    own = HostAddress("eth0", ip_interface(f"{me['address']}/{24 if node_family == 4 else 64}"))
    host = Host((own,) if at_home else (), Path("/etc/halbd"))
    return Given(document, host, None if at_home else me["name"], secret)
