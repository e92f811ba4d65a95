"""How long the proxy takes to drop a dead server."""

from __future__ import annotations

from dataclasses import replace

from halbd.decide.timing import lag, patience, proxy_drop_time
from tests.sample import config


def test_each_of_fall_checks_waits_its_interval_and_times_out() -> None:
    frontend = config().frontends[0]
    assert proxy_drop_time(frontend) == 2 * (2 + 2), "a check that cannot connect takes its whole interval"
    check = replace(frontend.check, fall=3, interval=0.5, timeout=0.25)
    assert proxy_drop_time(replace(frontend, check=check)) == 3 * (0.5 + 0.5)
    patient = replace(frontend.timeouts, connect=0)
    assert proxy_drop_time(replace(frontend, timeouts=patient)) == 2 * (2 + 2), "0 is no limit"
    hasty = replace(frontend.timeouts, connect=0.1)
    assert proxy_drop_time(replace(frontend, check=check, timeouts=hasty)) == 3 * (0.5 + 0.25)


def test_patience_covers_the_drop_and_skew_the_difference_of_two_nodes() -> None:
    assert patience(config()) == 8 + 2
    assert lag(config()) == (2 + 2) + 2


def test_the_interval_of_the_probes_counts_twice_in_both() -> None:
    often = config(health={"interval": 0.5, "timeout": 0.5})
    assert patience(often) == 8 + 1
    assert lag(often) == (2 + 2) + 1
