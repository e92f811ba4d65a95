"""What chaos plays: a pure function of the seed, the round's number and the nodes. Any round can be played again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from halbd.lab.faults.base import Fault, Where

PAIRS = 0.4  # share of the rounds in which two faults strike
SHORTEST, LONGEST = 1.0, 8.0  # seconds that a lasting fault lasts
APART = 3.0  # seconds at the most between the two of a pair


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault on one node; "" is whichever holds the first VIP then."""

    fault: str
    node: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.fault} on {self.node or 'the holder'}"


@dataclass(frozen=True, slots=True)
class Round:
    """One or two strikes, the second `apart` seconds after the first, both healed `hold` seconds later."""

    number: int
    strikes: tuple[Strike, ...]
    apart: float
    hold: float

    def __str__(self) -> str:
        """For people."""
        words = f", {self.apart:.1f} s later ".join(map(str, self.strikes))
        return f"{words}, for {self.hold:.1f} s"


def schedule(seed: int, number: int, faults: Sequence[Fault], nodes: Sequence[str]) -> Round:
    """Round `number` of the seed. Not every machine and every config has room for each fault: that is told then."""
    # S311: it need not be hard to guess, but the same for ever; a string as a seed is so by Python's own promise.
    random = Random(f"{seed}/{number}")  # noqa: S311
    every = [Strike(fault.name, node) for fault in faults for node in _nodes(fault, nodes)]
    strikes = random.sample(every, 2 if random.random() < PAIRS else 1)
    apart = round(random.uniform(0, APART), 1)
    return Round(number, tuple(strikes), apart, round(random.uniform(SHORTEST, LONGEST), 1))


def _nodes(fault: Fault, nodes: Sequence[str]) -> Sequence[str]:
    """One entry for each node in any case, so that every fault is as likely."""
    return [""] * len(nodes) if fault.where is Where.HOLDER else nodes
