"""What `halbctl doctor` has found out about this machine, not yet judged. Times are seconds, moments are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from halbd.model.adverts import Claim
from halbd.model.config import Address, Config
from halbd.model.firewall import Table
from halbd.model.host import HostAddress
from halbd.model.problem import Problem
from halbd.model.service import PidFile


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be looked at, and why: not root, a program missing, no answer in time."""

    why: str


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what it can do; `error` says why it cannot be run."""

    name: str
    version: str = ""
    features: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit, by the words of systemctl(1). `ran`: it has been active since the machine started.

    `restarts`: how often systemd has started it again by itself since somebody last did (NRestarts=).
    `packets`: its sandbox lets a keepalived in it open its sockets (CapabilityBoundingSet=, RestrictAddressFamilies=).
    """

    load: str
    active: str
    enabled: str
    ran: bool = False
    sub: str = ""
    restarts: int = 0
    packets: bool = True


@dataclass(frozen=True, slots=True)
class PortHolder:
    """Who listens on a TCP port; `ours` is the proxy that halbd started."""

    address: Address
    port: int
    pid: int | None
    name: str
    unit: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Component:
    """One folder or file of a path, with its owner, its group and its whole mode (st_mode)."""

    path: str
    uid: int
    gid: int
    mode: int


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """Descriptors that the config needs, and that the daemon may raise its limit to; `whose` limit that is."""

    needed: int
    allowed: int
    whose: str


class Answer(StrEnum):
    """How a machine answered. `neighbour`: not to an echo request, but its link address is freshly known."""

    ECHO = "echo"
    NEIGHBOUR = "neighbour"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Keeper:
    """A program that manages an interface. `keeps`: it leaves addresses alone that it did not set itself."""

    program: str
    interface: str
    keeps: bool
    file: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """The tables of every packet filter that could be read; `unread` says which could not. `firewalld` runs."""

    tables: tuple[Table, ...]
    unread: str = ""
    firewalld: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """The last advert of each source, over `seconds` of listening, which ended at `until` (CLOCK_MONOTONIC)."""

    claims: tuple[Claim, ...]
    seconds: float
    until: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """Somebody's certificate, and when it is valid."""

    whose: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What one server answered to the question of the check, asked from here without the proxy.

    `error`: no connection; `tls`: a connection and no TLS, or not the certificate that the check wants.
    """

    frontend: str
    server: str
    error: str = ""
    tls: str = ""
    expired: bool = False
    ends: datetime | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. What needs a config is Unknown without one."""

    config: Config | tuple[Problem, ...]
    file: str
    now: datetime
    in_force: str | None
    refused: str | Unknown
    keepalived: Program
    proxy: Program | Unknown
    systemd: bool
    units: Mapping[str, Unit] | Unknown
    pid_files: tuple[PidFile, ...]
    holders: tuple[PortHolder, ...] | Unknown
    programs: tuple[tuple[Component, ...], ...] | Unknown
    open_files: OpenFiles | Unknown
    addresses: tuple[HostAddress, ...]
    up: Mapping[str, bool]
    answers: Mapping[Address, Answer] | Unknown
    filters: Filters | Unknown
    heard: Heard | Unknown
    keepers: tuple[Keeper, ...] | Unknown
    settings: Mapping[str, int]
    synchronised: bool | Unknown
    authorities: tuple[Certificate, ...] | Unknown
    servers: tuple[ServerFacts, ...] | Unknown
