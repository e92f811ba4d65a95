"""What keepalived.service has been told of the file that it reads, and what it is still to be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Owes(IntEnum):
    """What keepalived.service is owed; of two the greater does for both.

    START: a reload, and a start whoever stopped it: it is halbd's first file. RESTART: it has run on a foreign one.
    """

    NOTHING = 0
    RELOAD = 1
    START = 2
    RESTART = 3


@dataclass(frozen=True, slots=True)
class Told:
    """`pid` and `start_ticks`: the keepalived that was last seen to run on halbd's file; 0 for none.

    `written`: the digest of what halbd last wrote there; "" where nobody knows.
    """

    pid: int = 0
    start_ticks: int = 0
    written: str = ""
    owes: Owes = Owes.RELOAD
