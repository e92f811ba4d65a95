"""From the operator's file to everything that the lab builds. Pure: a secret is read through `read_secret`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address, ip_interface
from pathlib import Path

from halbd.lab import document, layout
from halbd.lab.document import Sketch
from halbd.lab.errors import LabError
from halbd.lab.layout import Machine, Network
from halbd.model.config import Address, Config, Scheme
from halbd.model.host import Host, HostAddress, ReadSecret, SecretFile
from halbd.model.problem import Problem
from halbd.parse.parse import parse


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a stand-in server listens on; without `tls` where the config's check speaks plain HTTP."""

    number: int
    tls: bool


@dataclass(frozen=True, slots=True)
class StandIn:
    """One API server: the address as the file has it, the address that it gets, and the machine that it runs on."""

    written: str
    address: Address
    machine: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What a client connects to: a VIP's first frontend. `status` is what a good answer carries."""

    vip: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it. `configs` are the nodes' own views of `text`, in the order of the file."""

    text: bytes
    auth_pass: bytes | None
    configs: tuple[Config, ...]
    nodes: tuple[Machine, ...]
    hosts: tuple[Machine, ...]
    servers: tuple[StandIn, ...]
    client: Machine
    switch: str
    targets: tuple[Target, ...]
    answers: tuple[tuple[str, int], ...]

    @property
    def config(self) -> Config:
        """The first node's view; all but `node` is the same in every one."""
        return self.configs[0]

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Every machine with an interface on the bridge."""
        return (*self.nodes, *self.hosts, self.client)

    @property
    def names(self) -> tuple[tuple[str, Address], ...]:
        """Host names that the file uses for servers, with the lab's address for each."""
        return tuple((s.written, s.address) for s in self.servers if s.written != str(s.address))

    def server_on_its_own(self) -> StandIn | None:
        """The first server that shares its machine with no node."""
        shared = {node.name for node in self.nodes}
        return next((server for server in self.servers if server.machine not in shared), None)


def plan(
    text: bytes, folder: Path, read_secret: ReadSecret, ca: str, settings: Iterable[tuple[str, str]] = ()
) -> Plan | tuple[Problem, ...]:
    """Plan the lab for the file `text` that lies in `folder`; `ca` is the PEM text of the lab's own CA.

    The file is judged twice: as it stands, so that the problems carry its own lines, and as the lab's copy.

    Raises:
        LabError: the file is right, but cannot be built on one machine, or a setting has no place in it.
    """
    written = document.load(text)
    sketch = document.sketch(written) if written else None
    if written is None or sketch is None:
        return _problems(parse(text, Host((), folder), lambda _: ca.encode()))
    nodes = layout.nodes(sketch)
    secret = _secret(document.auth_pass_file(written), folder, read_secret)
    view = partial(_configs, nodes=nodes, folder=folder, ca=ca, secret=secret)
    judged = view(text)
    if not isinstance(judged[0], Config):
        return _problems(judged)
    copy = document.for_lab(document.changed(written, settings))
    configs = view(copy)
    views = tuple(config for config in configs if isinstance(config, Config))
    return (
        _built(copy, secret.content if secret else None, sketch, views)
        if len(views) == len(nodes)
        else _problems(configs)
    )


def _problems(result: Config | tuple[Config | Problem, ...]) -> tuple[Problem, ...]:
    found = result if isinstance(result, tuple) else ()
    problems = tuple(problem for problem in found if isinstance(problem, Problem))
    return problems or (Problem(0, "", "the lab cannot be planned from this file", "name nodes and vips in it"),)


def _secret(name: str | None, folder: Path, read_secret: ReadSecret) -> SecretFile | None:
    """The real secret where this machine has it, so that it is judged; else one that will do."""
    if name is None:
        return None
    try:
        return read_secret(folder / name)
    except OSError:
        return SecretFile(b"halbdlab", 0o600)


def _configs(
    text: bytes, nodes: Iterable[Machine], folder: Path, ca: str, secret: SecretFile | None
) -> tuple[Config | Problem, ...]:
    """Every node's view, or the problems that the first node with any sees. Every CA file is the lab's own."""
    views: list[Config | Problem] = []
    for node in nodes:
        addresses = tuple(HostAddress(link.interface, a) for link in node.links for a in link.addresses)
        host = Host(addresses, folder)
        view = parse(text, host, lambda _: ca.encode(), node.name, None if secret is None else lambda _: secret)
        if not isinstance(view, Config):
            return view
        views.append(view)
    return tuple(views)


def _built(text: bytes, secret: bytes | None, sketch: Sketch, configs: tuple[Config, ...]) -> Plan:
    config, nodes = configs[0], layout.nodes(sketch)
    taken = [a.ip for node in nodes for link in node.links for a in link.addresses] + [vip for vip, _ in sketch.vips]
    homes = _homes(sketch, config)
    spares = {home: layout.spare(home, taken + _written(config)) for home in homes}
    servers = _servers(config, nodes, spares[homes[0]])
    names = {node.name for node in nodes}
    client = layout.single(layout.unique("client", names), (next(spares[home]) for home in homes), homes)
    hosts = _hosts(servers, nodes, homes, spares)
    nodes = tuple(_in_every_family(node, homes, spares) for node in nodes)
    routed = layout.routed((*nodes, *hosts, client), (vip for vip, _ in sketch.vips))
    return Plan(
        text=text,
        auth_pass=secret,
        configs=configs,
        nodes=routed[: len(nodes)],
        hosts=routed[len(nodes) : -1],
        servers=servers,
        client=routed[-1],
        switch=layout.unique("switch", names),
        targets=_targets(config),
        answers=_answers(config),
    )


def _homes(sketch: Sketch, config: Config) -> list[Network]:
    """One network per IP version in use: the nodes' own, and the servers' where the nodes have none of that version."""
    homes = {network.version: network for _, network in reversed(layout.networks(sketch))}
    first = homes.pop(sketch.nodes[0][1].version)
    others = [address for address in _written(config) if address.version not in {first.version, *homes}]
    return [first, *homes.values(), *([layout.covering(others)] if others else [])]


def _written(config: Config) -> list[Address]:
    return [address for f in config.frontends for s in f.servers if (address := _ip(s.address)) is not None]


def _ip(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _servers(config: Config, nodes: Iterable[Machine], spares: Iterator[Address]) -> tuple[StandIn, ...]:
    """One stand-in per address or host name, with every port that any frontend has on it."""
    ports: dict[str, dict[int, Port]] = {}
    for frontend in config.frontends:
        for server in frontend.servers:
            tls = frontend.check.scheme is not Scheme.HTTP
            ports.setdefault(server.address, {}).setdefault(server.port, Port(server.port, tls))
    on_node = {address.ip: node.name for node in nodes for link in node.links for address in link.addresses}
    taken, servers = {node.name for node in nodes}, []
    for number, (written, own) in enumerate(ports.items(), 1):
        address = _ip(written) or next(spares)
        if address.is_loopback:
            raise LabError(f"cannot plan the lab: server {written} is on loopback; name the address that all nodes see")
        machine = on_node.get(address) or layout.unique(f"server{number}", taken)
        servers.append(StandIn(written, address, machine, tuple(own.values())))
    return tuple(servers)


def _hosts(
    servers: Iterable[StandIn],
    nodes: Iterable[Machine],
    homes: list[Network],
    spares: Mapping[Network, Iterator[Address]],
) -> tuple[Machine, ...]:
    taken = {node.name for node in nodes}
    alone = (layout.single(s.machine, (s.address,), homes) for s in servers if s.machine not in taken)
    return tuple(_in_every_family(machine, homes, spares) for machine in alone)


def _in_every_family(machine: Machine, homes: list[Network], spares: Mapping[Network, Iterator[Address]]) -> Machine:
    """The machine with a spare address in each IP version that it has none of: all must reach all."""
    first, *rest = machine.links
    has = {address.version for link in machine.links for address in link.addresses}
    missing = [home for home in homes if home.version not in has]
    more = tuple(ip_interface(f"{next(spares[home])}/{home.prefixlen}") for home in missing)
    return replace(machine, links=(replace(first, addresses=(*first.addresses, *more)), *rest))


def _targets(config: Config) -> tuple[Target, ...]:
    first = config.frontends[0]
    return tuple(Target(str(vip.address), first.port, first.check.scheme is not Scheme.HTTP) for vip in config.vips)


def _answers(config: Config) -> tuple[tuple[str, int], ...]:
    """What every path that a check or probe asks for must be answered with, so that the stand-ins are well."""
    usual = {"/healthz": 200, "/readyz": 200, "/livez": 200}
    asked = {path: f.check.expect[0] for f in config.frontends for path in (config.health.path, f.check.path)}
    return tuple((usual | asked).items())
