"""Everything that can happen to the daemon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from halbd.model.adverts import Claim
from halbd.model.child import Program
from halbd.model.config import Address, Config
from halbd.model.evidence import ProbeResult, ProxyView
from halbd.model.flow import Flow
from halbd.model.guard import Sign
from halbd.model.service import Idle


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: `next_due` of the state has come."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A child runs. `adopted`: an earlier daemon had started it; `behind`: on an older generation than ours."""

    program: Program
    pid: int
    start_ticks: int
    adopted: bool = False
    behind: bool = False


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """A child could not be started at all. `jitter` is a random number in [0, 1)."""

    program: Program
    reason: str
    jitter: float


@dataclass(frozen=True, slots=True)
class Exited:
    """A child is gone, told by its pidfd (pidfd_open(2)). `jitter` is a random number in [0, 1)."""

    program: Program
    pid: int
    how: str
    jitter: float


@dataclass(frozen=True, slots=True)
class ProbeDone:
    """A probe came back."""

    result: ProbeResult


@dataclass(frozen=True, slots=True)
class ProxySeen:
    """The proxy's admin socket answered."""

    view: ProxyView


@dataclass(frozen=True, slots=True)
class ProxySilent:
    """The proxy's admin socket gave no answer in time; `ours`: it could not be asked, for want of something here."""

    error: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class TakingUp:
    """The files of this config are about to be in force: the proxy may leave a place that it has not, at any moment."""

    config: Config


@dataclass(frozen=True, slots=True)
class Installed:
    """They are, and the next proxy starts on them."""

    config: Config


@dataclass(frozen=True, slots=True)
class TakenUp:
    """The proxy that runs is seen to serve the generation in force."""


@dataclass(frozen=True, slots=True)
class ProxyMute:
    """The proxy's sockets were removed, and it cannot be made to speak as long as it serves: `why`."""

    why: str


@dataclass(frozen=True, slots=True)
class DoorSeen:
    """The proxy that runs lets new connections in; or an earlier daemon kept them out, and they still are: `why`."""

    pid: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """Netlink: an address arrived on or left an interface; not `up`: it left one that is down (netdevice(7)).

    `port` is the netlink port of who asked for that (nlmsg_pid, netlink(7)), 0 where it is not told; `by_keepalived`:
    whether that is keepalived's, None where nobody knows.
    """

    address: Address
    interface: str
    present: bool
    up: bool = True
    port: int = 0
    by_keepalived: bool | None = None


@dataclass(frozen=True, slots=True)
class AddressesDumped:
    """Netlink: all addresses there are now. `why` says what made the dump necessary."""

    present: frozenset[tuple[Address, str]]
    why: str


@dataclass(frozen=True, slots=True)
class ConnectionsEnded:
    """So many connections of a VIP that has left are gone; `mute` without a word to the other end; `why` not more."""

    address: Address
    ended: int
    mute: tuple[Flow, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class KeepalivedSeen:
    """What systemd says of keepalived.service; `pid` is None when it does not run, `failed` when nobody stopped it.

    `idle`: why it does not run, where halbd does not start it.
    """

    pid: int | None
    failed: bool = False
    idle: Idle | None = None


@dataclass(frozen=True, slots=True)
class AdvertsHeard:
    """The latest VRRP advert of each source, read at `at`, and without a gap ever since `since` (monotonic)."""

    claims: tuple[Claim, ...]
    since: float
    at: float


@dataclass(frozen=True, slots=True)
class KeepalivedLooked:
    """A look at the processes and sockets of the keepalived that runs, once a second: what is odd about them.

    `unread`: octets that wait in its VRRP sockets. `why`: the helper did not answer, so nothing was seen.
    """

    pid: int
    signs: frozenset[Sign]
    unread: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class PushFailed:
    """A track_file could not be written."""

    name: str


@dataclass(frozen=True, slots=True)
class PushLost:
    """A track_file does not hold what was written into it."""

    name: str


@dataclass(frozen=True, slots=True)
class ConfigApplied:
    """A generation is in force."""

    config: Config


@dataclass(frozen=True, slots=True)
class ConfigRejected:
    """The file on disk, or the generation made from it, is not in force; the one before it is."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpgradeFailed:
    """The newly installed program could not be executed after all."""

    why: str


@dataclass(frozen=True, slots=True)
class HistoryKept:
    """How many transitions could not be written to the history yet, and why not; 0 when all of them are."""

    unwritten: int
    why: str


@dataclass(frozen=True, slots=True)
class FilesMended:
    """Files of the generation in force had been changed by somebody, and are as they were; `kept`: what was there.

    `complaint`: why the proxy that runs had refused them, in its words; "" where it had not, or had not read them.
    """

    files: tuple[str, ...]
    kept: str
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """SIGTERM or SIGINT."""


@dataclass(frozen=True, slots=True)
class DrainRequested:
    """`halbctl drain`: noted on disk already. `until` is monotonic; `force`: even if nobody takes the VIPs."""

    since: datetime
    until: float | None
    force: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class UndrainRequested:
    """`halbctl undrain`."""


Event: TypeAlias = (
    Tick
    | Spawned
    | SpawnFailed
    | Exited
    | ProbeDone
    | ProxySeen
    | ProxySilent
    | TakingUp
    | Installed
    | TakenUp
    | ProxyMute
    | DoorSeen
    | AddressChanged
    | AddressesDumped
    | ConnectionsEnded
    | KeepalivedSeen
    | AdvertsHeard
    | KeepalivedLooked
    | PushFailed
    | PushLost
    | ConfigApplied
    | ConfigRejected
    | UpgradeFailed
    | HistoryKept
    | FilesMended
    | StopRequested
    | DrainRequested
    | UndrainRequested
)
