"""The operator's wish that this node holds no VIP for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)  # without slots: see replacing.py
class Maintenance:
    """One drain. `since` is for people; `until` (monotonic) is when it ends by itself, None for never.

    `offered`: since when the VIPs are offered to the peers (monotonic). `withdrawn`: since when the verdict itself says
    no, which keeps the VIPs away; None while they are offered. `force`: withdrawn even if nobody takes the offer.
    `number` tells one request from the next: the late end of an old one must not undo a newer one.
    """

    since: datetime
    until: float | None
    offered: float
    force: bool = False
    withdrawn: float | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """What is remembered of a drain over a restart: `boot` is the boot in which `monotonic` means something."""

    since: datetime
    seconds: float | None
    until: datetime | None
    boot: str
    monotonic: float | None
    force: bool = False


class Outcome(StrEnum):
    """What came of a drain, for whoever waits for it."""

    MOVED = "moved"
    NOT_HELD = "not held"
    FORCED = "forced"
    ALREADY = "already drained"
    UNDONE = "undone"
    NO_OFFER = "no offer"
    UNDRAINED = "undrained"
    EXPIRED = "expired"
    STOPPING = "stopping"
