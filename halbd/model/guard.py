"""What halbd knows of keepalived besides its process: what it says on the wire, and whether it still listens.

`since`, `at` and `turned` are CLOCK_MONOTONIC seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from halbd.model.adverts import Claim
from halbd.model.config import Address
from halbd.model.evidence import Now
from halbd.model.service import Idle

Place: TypeAlias = tuple[Address, str]
"""An address, and the interface that it is on or should be on."""


class Sign(StrEnum):
    """What a look at keepalived's processes and sockets may find, in the words that status uses."""

    STOPPED = "its process is stopped (state T)"
    UNREAD = "it leaves the adverts of its peers unread"
    NO_SOCKET = "it has no VRRP socket, though this node's address is there"
    DEAF = "it does not watch the track files"


class Wrong(StrEnum):
    """How a VIP can be where it should not be, or not be where it should."""

    STALE = "stale"
    UNFIT = "unfit"
    MISSING = "missing"
    ASTRAY = "astray"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something has looked wrong with a VIP ever since (monotonic)."""

    wrong: Wrong
    since: float


@dataclass(frozen=True, slots=True)
class Mending:
    """What was put right, why and when (monotonic), for the `count`th time in a row."""

    wrong: Wrong
    why: str
    at: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Hung:
    """keepalived runs and does not do its work."""

    why: str
    since: Now


@dataclass(frozen=True, slots=True)
class Unseen:
    """The helper does not answer: `why`, at the latest look at the keepalived that runs (`pid`), and since when."""

    pid: int
    why: str
    since: Now


@dataclass(frozen=True)  # without slots: see replacing.py
class Guard:
    """Evidence, and what was made of it.

    `heard_since`: the wire has been listened to without a gap since then, None where it is not; `heard_at`: up to then.
    `turned`: when `step` was last called; `awake_since`: and it was called often enough ever since.
    `signs`: how many looks in a row have found each; `unread`: octets in keepalived's sockets at the last one.
    `unseen`: looks came to nothing, for want of an answer.
    `cured_at`: when a keepalived that hung was last ended.
    `idle`: keepalived.service does not run, and that is not for halbd to change.
    `quiet`: since when nobody is heard to hold a VIP that this node may hold; `nobody`: those where that has lasted.
    `rivals`: since when another node advertises a VIP that this one advertises as well; `said`: of whom the log told.
    """

    claims: tuple[Claim, ...] = ()
    heard_since: float | None = None
    heard_at: float = 0
    turned: float | None = None
    awake_since: float | None = None
    doubts: Mapping[Place, Doubt] = field(default_factory=dict)
    mended: Mapping[Place, Mending] = field(default_factory=dict)
    signs: Mapping[Sign, int] = field(default_factory=dict)
    unread: int = 0
    unseen: Unseen | None = None
    hung: Hung | None = None
    cured_at: float | None = None
    idle: Idle | None = None
    quiet: Mapping[Address, Now] = field(default_factory=dict)
    nobody: frozenset[Address] = frozenset()
    rivals: Mapping[Address, float] = field(default_factory=dict)
    said: frozenset[Address] = frozenset()
