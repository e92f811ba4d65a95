"""Everything that halbd may do to the world. Each comes back, where it has an outcome, as an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from signal import Signals
from typing import TypeAlias

from halbd.model.child import Program
from halbd.model.config import Address, LogLevel, Vip
from halbd.model.evidence import Target
from halbd.model.flow import Flow
from halbd.model.maintenance import Outcome
from halbd.model.transition import Transition


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a program."""

    program: Program


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to a program's whole process group."""

    program: Program
    signal: Signals


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask one target."""

    target: Target


@dataclass(frozen=True, slots=True)
class LookAtProxy:
    """Ask the proxy's admin socket."""


@dataclass(frozen=True, slots=True)
class StartKeepalivedUnit:
    """Have systemd start keepalived.service, which has failed."""


@dataclass(frozen=True, slots=True)
class KillKeepalivedUnit:
    """Have systemd end keepalived.service by SIGKILL: it hangs."""


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take a VIP off an interface: it is stale there."""

    address: Address
    interface: str


@dataclass(frozen=True, slots=True)
class RestoreAddress:
    """Put a VIP back where keepalived believes it to be."""

    vip: Vip


@dataclass(frozen=True, slots=True)
class CutConnections:
    """End the connections to a server that is down; `address` as in ServerView."""

    frontend: str
    server: str
    address: str


@dataclass(frozen=True, slots=True)
class EndConnections:
    """End the connections of a VIP that has left, and tell both ends."""

    address: Address


@dataclass(frozen=True, slots=True)
class Poke:
    """Make the other ends of these connections, which could not be told, ask the new holder."""

    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class LookAtKeepalived:
    """Ask systemd for keepalived.service."""


@dataclass(frozen=True, slots=True)
class DumpAddresses:
    """Ask netlink for all addresses there are; `why` is the cause of what is found changed."""

    why: str


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Have a program that runs on an older generation, or has lost sight of its files, take up the one in force."""

    program: Program


@dataclass(frozen=True, slots=True)
class FallBack:
    """The proxy does not start on the generation in force, which never worked: go back to the last good one; `why`."""

    why: str


@dataclass(frozen=True, slots=True)
class LookAtGeneration:
    """See that the files in force are those that halbd wrote, and put right what is not."""


@dataclass(frozen=True, slots=True)
class MarkGood:
    """The generation in force has been seen to work."""


@dataclass(frozen=True, slots=True)
class Push:
    """Write a number into a track_file."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class WriteLook:
    """Write what halbd-check needs to look for itself."""


@dataclass(frozen=True, slots=True)
class Record:
    """Put a transition into the history."""

    transition: Transition


@dataclass(frozen=True, slots=True)
class Say:
    """Write a log line."""

    level: LogLevel
    event: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShutDoor:
    """Have new connections from outside wait: the VIPs are about to move."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """Let new connections in again; `moved`: those who have waited go to where the VIPs are now."""

    moved: bool = False


@dataclass(frozen=True, slots=True)
class DrainSettled:
    """Tell whoever waits for a drain what has come of it, `after` so many seconds."""

    outcome: Outcome
    after: float = 0


@dataclass(frozen=True, slots=True)
class ForgetDrain:
    """Remove what is remembered of that drain, unless a newer one has been noted."""

    number: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything is stopped: leave."""


Effect: TypeAlias = (
    Spawn
    | Signal
    | Probe
    | LookAtProxy
    | LookAtKeepalived
    | StartKeepalivedUnit
    | KillKeepalivedUnit
    | RemoveAddress
    | RestoreAddress
    | CutConnections
    | EndConnections
    | Poke
    | DumpAddresses
    | Push
    | WriteLook
    | TakeUp
    | FallBack
    | LookAtGeneration
    | MarkGood
    | Record
    | Say
    | ShutDoor
    | LetIn
    | DrainSettled
    | ForgetDrain
    | Finish
)
