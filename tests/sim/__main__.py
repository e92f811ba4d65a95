"""python -m tests.sim --minutes M --seed N --nodes 2|3: random schedules, one after the other, until one breaks."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.sim.play import Schedule, play, random_schedule
from tests.sim.watch import BrokenError


def main() -> int:
    """0 all held, 1 something broke."""
    arguments = _arguments()
    _say(f"seed {arguments.seed}, {arguments.nodes} nodes")
    begun, worked = time.monotonic(), time.process_time()
    number, steps, counts = arguments.first, 0, Counter[str]()
    while time.monotonic() - begun < 60 * arguments.minutes:
        schedule = random_schedule(f"{arguments.seed}.{number}", arguments.nodes)
        try:
            world = play(schedule)
        except BrokenError as error:
            _say(_words(schedule, number, error))
            return 1
        number += 1
        steps += world.watch.steps
        counts += world.watch.counts
    seconds, busy = time.monotonic() - begun, time.process_time() - worked
    _say(f"{number - arguments.first} schedules, {dict(counts)}: everything held")
    _say(f"{steps:,} events, {steps / seconds * 60:,.0f} a minute, {steps / busy * 60:,.0f} a minute of processor time")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nodes", type=int, choices=(2, 3), default=2)
    parser.add_argument("--first", type=int, default=0, help="the number of the schedule to begin with")
    return parser.parse_args()


def _words(schedule: Schedule, number: int, error: BrokenError) -> str:
    strikes = "\n".join(f"  {strike}" for strike in schedule.strikes)
    return f"broken in schedule {number} (--first {number}):\n{schedule.setting}\n{strikes}\n{error}"


if __name__ == "__main__":
    sys.exit(main())
