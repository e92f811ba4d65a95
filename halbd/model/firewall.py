"""A packet filter's rules, as far as they decide about a packet of which little is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Key(StrEnum):
    """What a condition asks about. `other`: something that is not understood here."""

    PROTOCOL = "protocol"
    SOURCE = "source"
    TARGET = "target"
    IN = "in"
    OUT = "out"
    FAMILY = "family"
    STATE = "state"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the values holds; or none of them, where it is negated."""

    key: Key
    values: tuple[str, ...] = ()
    negated: bool = False


class Verdict(Enum):
    """What a rule does with a packet. `unclear`: something that is not understood here."""

    ACCEPT = auto()
    DROP = auto()
    RETURN = auto()
    CONTINUE = auto()
    UNCLEAR = auto()
    JUMP = auto()
    GOTO = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """Where all conditions hold, the verdict is given; `target` is the chain of a jump."""

    conditions: tuple[Condition, ...]
    verdict: Verdict
    target: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order. A base chain has a hook (prerouting, input, output, postrouting) and a policy.

    One at the hook ingress or egress sees the packets of its `devices` alone; none where the program names none.
    """

    name: str
    rules: tuple[Rule, ...]
    hook: str = ""
    policy: Verdict = Verdict.ACCEPT
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of nftables or iptables; its chains by name. `family` is ip, ip6, inet or netdev."""

    program: str
    family: str
    name: str
    chains: Mapping[str, Chain]

    def __str__(self) -> str:
        """As in "nftables: inet filter"."""
        return f"{self.program}: {self.family} {self.name}"


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet on its way in or out. `source` is "" where it is not known."""

    protocol: frozenset[str]
    source: str
    target: str
    interface: str
    family: str
    incoming: bool
