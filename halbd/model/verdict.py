"""May this node hold the VIP?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """Why not, in the words of the contract."""

    PROXY_DEAD = "proxy_dead"
    PROXY_HUNG = "proxy_hung"
    LOCAL_PROBE = "local_probe"
    VIP_UNSERVED = "vip_unserved"
    MAINTENANCE = "maintenance"
    NO_SERVERS = "no_servers"
    PROXY_UNSTABLE = "proxy_unstable"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, with what was seen and since when."""

    cause: Cause
    detail: str
    since: datetime
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer at one moment. `stale`: the evidence is missing or too old, so there is no answer either way."""

    reasons: tuple[Reason, ...]
    stale: bool

    @property
    def ok(self) -> bool:
        """This node may hold the VIP."""
        return not self.stale and not self.failed

    @property
    def failed(self) -> bool:
        """This node must not hold the VIP."""
        return any(reason.fails for reason in self.reasons)

    @property
    def healthy(self) -> bool:
        """Nothing at all speaks against this node."""
        return not self.stale and not self.reasons
