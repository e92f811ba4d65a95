"""A VIP came or went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from halbd.model.config import Address


class Role(StrEnum):
    """What this node is to the VIPs: all held, none, none and unfit, some, or none because it was drained."""

    MASTER = "master"
    BACKUP = "backup"
    FAULT = "fault"
    MIXED = "mixed"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Transition:
    """One VIP gained or lost, with what this node knows of the cause. `lasted` is seconds, None when not known.

    On an interface that is not the VIP's own it changes no role, and `lasted` is how long it was there.
    """

    at: datetime
    vip: Address
    interface: str
    gained: bool
    role_before: Role
    role_after: Role
    lasted: float | None
    cause: str
