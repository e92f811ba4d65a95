"""python -m tests.sim --minutes M --seed N --nodes 2|3: random schedules in every processor, until one breaks."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.sim.play import Schedule, play, random_schedule
from tests.sim.watch import BrokenError

BATCH = 32
"""Schedules for each process between two looks at the time."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one schedule; `broken` in words, or empty. `busy` is seconds of processor time."""

    events: int = 0
    busy: float = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: str = ""


def main() -> int:
    """0 all held, 1 something broke."""
    arguments = _arguments()
    _say(f"seed {arguments.seed}, {arguments.nodes} nodes, {arguments.jobs} processes")
    begun, number, all_played = time.monotonic(), arguments.first, list[Played]()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        while time.monotonic() - begun < 60 * arguments.minutes:
            numbers = range(number, number + BATCH * arguments.jobs)
            played = list(pool.map(partial(_play, arguments.seed, arguments.nodes), numbers))
            all_played += played
            number = numbers.stop
            if broken := [one.broken for one in played if one.broken]:
                _say(broken[0])
                return 1
    _report(all_played, time.monotonic() - begun)
    return 0


def _play(seed: int, nodes: int, number: int) -> Played:
    schedule, begun = random_schedule(f"{seed}.{number}", nodes), time.process_time()
    try:
        world = play(schedule)
    except BrokenError as error:
        return Played(broken=_words(schedule, number, error))
    return Played(world.watch.steps, time.process_time() - begun, world.watch.counts)


def _report(played: list[Played], seconds: float) -> None:
    events, busy = sum(one.events for one in played), sum(one.busy for one in played)
    counts = sum((one.counts for one in played), Counter[str]())
    _say(f"{len(played)} schedules, {dict(counts)}: everything held")
    rate, each = events / seconds * 60, events / busy * 60
    _say(f"{events:,} events, {rate:,.0f} a minute, {each:,.0f} in a minute of one processor's time")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nodes", type=int, choices=(2, 3), default=2)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per processor)")
    parser.add_argument("--first", type=int, default=0, help="the number of the schedule to begin with")
    return parser.parse_args()


def _words(schedule: Schedule, number: int, error: BrokenError) -> str:
    strikes = "\n".join(f"  {strike}" for strike in schedule.strikes)
    return f"broken in schedule {number} (--first {number}):\n{schedule.setting}\n{strikes}\n{error}"


if __name__ == "__main__":
    sys.exit(main())
