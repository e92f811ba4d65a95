"""What the faults of a drain and a stop find must be able to be wrong: each has something at which it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from halbd.decide.handover import offer_time
from halbd.lab.faults.base import Fault
from halbd.lab.faults.catalog import FAULTS
from halbd.lab.faults.drain import answered, drained
from halbd.lab.faults.drain_for import LASTS, LATE, by_itself
from halbd.lab.faults.drain_refused import UNTAKEN, offered_and_undone
from halbd.lab.faults.leaving import as_told, lasting
from tests.lab.files import PLAIN
from tests.lab.test_report import CALM, planned

GOOD = replace(CALM, moved_ms=520, back_ms=2000, watches_ms=93)
STACKED = PLAIN.replace(b"10.10.50.12:6443", b"10.10.50.3:7443")
LEAVING = ("stop", "drain", "drain-for", "drain-restart", "drain-reboot")


def fault(name: str) -> Fault:
    (found,) = (one for one in FAULTS if one.name == name)
    return found


def judged(name: str, text: bytes = PLAIN, **values: Any) -> bool:
    """Whether a good run with these numbers instead passes."""
    return all(finding.ok for finding in fault(name).judge(planned(text).config, replace(GOOD, **values)))


@pytest.mark.parametrize("name", [*LEAVING, "drain-force"])
def test_a_watch_must_break_and_soon(name: str) -> None:
    assert judged(name)
    assert judged(name, watches_ms=1000)
    assert not judged(name, watches_ms=1001)
    assert not judged(name, watches_ms=None)
    assert not judged(name, watches_silent=1)


@pytest.mark.parametrize("name", LEAVING)
def test_the_vip_moves_and_nobody_fails_or_waits(name: str) -> None:
    assert not judged(name, moved_ms=None)
    assert not judged(name, no_holder_ms=101)
    assert not judged(name, slow=1)
    assert not judged(name, failed=1, failed_new=1)


@pytest.mark.parametrize("name", LEAVING[1:])
def test_a_drain_that_is_over_gives_the_vip_back(name: str) -> None:
    assert not judged(name, back_ms=None)


def test_a_node_that_is_a_server_too_takes_connections_along_when_it_loses_its_power() -> None:
    assert judged("drain-reboot", STACKED, failed=1, slow=1)
    assert not judged("drain-reboot", STACKED, back_ms=None)
    assert not judged("drain", STACKED, failed=1)


@pytest.mark.parametrize(
    ("status", "ok"),
    [
        ({"maintenance": {"state": "drained"}, "role": "maintenance"}, True),
        ({"maintenance": {"state": "drained"}, "role": "fault"}, False),
        ({"maintenance": {"state": "offering"}, "role": "master"}, False),
        ({"maintenance": False, "role": "maintenance"}, False),
        ({}, False),
    ],
)
def test_a_drained_node_has_the_role_as_well(status: dict[str, Any], ok: bool) -> None:
    assert drained(status).ok is ok


@pytest.mark.parametrize(
    ("causes", "count", "ok"),
    [
        (["stopping: offered to the peers"], 1, True),
        (["stopping: offered to the peers"] * 2, 2, True),
        (["stopping: offered to the peers"], 2, False),
        (["maintenance"], 1, False),
        (["stopping: offered to the peers", "maintenance"], 2, False),
        ([], 1, False),
    ],
)
def test_each_loss_was_an_offer(causes: list[str], count: int, ok: bool) -> None:
    finding = as_told(causes, count, "stopping: offered")
    assert finding.ok is ok
    assert all(cause in finding.got for cause in causes)


def test_a_refusal_without_an_offer_is_none() -> None:
    """A daemon that says no at once is in no maintenance either, within no time at all."""
    assert all(one.ok for one in offered_and_undone(0.1, 1.05, 1))
    assert not all(one.ok for one in offered_and_undone(None, 0.001, 1))
    assert not all(one.ok for one in offered_and_undone(0.1, 1.6, 1))
    assert not all(one.ok for one in offered_and_undone(0.1, None, 1))


def test_halbctl_ends_as_it_should_and_says_why() -> None:
    wanted = (1, UNTAKEN)
    assert answered("drain", (1, "cannot drain: nobody took the VIP within 1.0 s"), wanted).ok
    assert not answered("drain", (1, "cannot drain: halbd is being stopped"), wanted).ok
    assert not answered("drain", (0, "nobody took the VIP within 1.0 s"), wanted).ok
    assert not answered("drain", (None, "no end after 30 s"), wanted).ok


@pytest.mark.parametrize(("after", "ok"), [(LASTS, True), (LASTS + LATE, True), (LASTS - 0.1, False), (9, False)])
def test_a_drain_ends_by_itself_in_its_time(after: float, ok: bool) -> None:
    assert by_itself(100, 100 + after).ok is ok


def test_a_drain_that_does_not_end_is_told() -> None:
    assert not by_itself(100, None).ok


def looks(*answers: Sequence[str]) -> tuple[str, ...]:
    """What lasts, when each look finds the next of the answers, the last of them again and again."""
    left = list(answers)

    async def look() -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return asyncio.run(lasting(look, 0.2))


def test_a_connection_that_is_there_to_the_end_is_half_open() -> None:
    assert looks(["watch", "check 1"], ["watch", "check 2"], ["watch"]) == ("watch",)


def test_the_checks_of_a_proxy_that_lives_on_are_not() -> None:
    assert looks(["check 1"], ["check 2"]) == ()
    assert looks([]) == ()


def test_where_no_peer_heeds_an_offer_only_a_refusal_and_a_forced_drain_can_be_played() -> None:
    heedless = planned(PLAIN + b"vrrp: {preempt: false}\nhealth: {on_no_servers: fail}\n")
    assert offer_time(heedless.config) == 0
    for name in LEAVING[1:]:
        assert "drain-refused" in fault(name).impossible(heedless)
    for name in ("stop", "drain-refused", "drain-force"):
        assert fault(name).impossible(heedless) == ""
