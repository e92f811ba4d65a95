"""What keepalived.service has been told of the file that it reads, and what it is still to be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag


class Owes(Flag):
    """What is to be done for keepalived.service, by the gentlest that does for all of it.

    RELOAD: it may have read something else. RESTART: it was started on a foreign file. START: whoever stopped it before
    did not know of halbd.
    """

    NOTHING = 0
    RELOAD = 1
    RESTART = 2
    START = 4


@dataclass(frozen=True, slots=True)
class Told:
    """`pid` and `start_ticks`: the keepalived that was last seen to run on halbd's file; 0 for none.

    `written`: the digest of what halbd last wrote there; "" where nobody knows.
    """

    pid: int = 0
    start_ticks: int = 0
    written: str = ""
    owes: Owes = Owes.RELOAD
