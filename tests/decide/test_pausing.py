"""New connections wait only for as long as the VIP may be about to move, and are let in again whatever happens."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from halbd.decide.pausing import LEAD, window
from halbd.model.effects import Effect, LetIn, ShutDoor, Signal
from halbd.model.events import DoorSeen, DrainRequested, Event, StopRequested, Tick, UndrainRequested
from tests.decide.driver import BEGIN, DRAIN, of, pushes, running
from tests.sample import config


def door(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, ShutDoor | LetIn)]


def test_the_door_is_shut_before_a_peer_can_take_over_and_open_again_once_none_can() -> None:
    begin, end = window(config())
    assert (round(begin, 2), round(end, 2)) == (0.35, 0.65)
    assert window(config(vrrp={"advert_int": 0.02}))[0] == 0
    version2 = window(config(vrrp={"version": 2, "advert_int": 2}))
    assert (round(version2[0], 2), round(version2[1], 2)) == (3.96, 6.06)
    node = running(holder=True)
    assert door(node.post(DRAIN)) == []
    assert door(node.wait(begin - 0.01)) == []
    assert door(node.wait(0.02)) == [ShutDoor()]
    assert door(node.wait(end - begin)) == [LetIn(moved=False)]
    assert door(node.wait(60)) == []
    again = node.post(replace(DRAIN, number=2)) + node.wait(60)
    assert door(again) == [ShutDoor(), LetIn(moved=False)], "each offer has a wait of its own"


def test_a_daemon_that_slept_through_the_moment_shuts_no_door() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    node.mono += window(node.state.config)[1]
    assert door(node.post(Tick()) + node.wait(10)) == []


def test_when_the_vip_has_left_those_who_wait_are_sent_on_before_the_proxy_is_stopped() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    node.wait(0.5)
    done = node.hold(present=False) + node.wait(5)
    assert door(done) == [LetIn(moved=True)]
    assert done.index(LetIn(moved=True)) < done.index(of(Signal, done)[0])


def test_a_vip_that_leaves_early_finds_the_door_open() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    node.wait(LEAD)
    assert door(node.hold(present=False) + node.wait(5)) == []


@pytest.mark.parametrize("what", ["undrain", "dead", "stop"])
def test_whatever_ends_the_offer_opens_the_door(what: str) -> None:
    node = running(holder=True)
    node.post(DRAIN)
    assert door(node.wait(0.5)) == [ShutDoor()]
    match what:
        case "undrain":
            done = node.post(UndrainRequested())
        case "dead":
            done = node.died()
        case _:
            done = node.post(StopRequested())
            done += node.wait(10)
    assert door(done) == [LetIn(moved=False)]


def test_where_nothing_is_offered_nobody_waits() -> None:
    for one in (config(health={"on_no_servers": "fail"}, vrrp={"preempt": False}), config(vrrp={"preempt_delay": 9})):
        node = running(one, holder=True)
        assert door(node.post(StopRequested()) + node.wait(10)) == []
    standby = running()
    assert door(standby.post(DRAIN) + standby.wait(10)) == []


def test_a_daemon_that_takes_up_a_running_proxy_opens_what_may_have_been_left_shut() -> None:
    node = running()
    node.died()
    node.spawned(101, adopted=True)
    assert door(node.effects)[-1] == LetIn()


def test_a_door_that_stays_shut_is_a_fault_of_this_node_until_it_is_open() -> None:
    node = running(holder=True)
    assert pushes(node.post(DoorSeen(100, "no answer")))["fault"] == 1
    assert node.causes == ["vip_unserved"]
    assert "no answer" in node.verdict.reasons[0].detail
    since = node.verdict.reasons[0].since
    node.mono += 1
    node.post(DoorSeen(100, "no answer again"))
    assert node.verdict.reasons[0].since == since
    assert pushes(node.post(DoorSeen(100)))["fault"] == 0


def test_what_is_seen_of_a_proxy_that_is_gone_says_nothing_of_the_next() -> None:
    node = running()
    node.post(DoorSeen(99, "no answer"))
    assert node.causes == []
    node.post(DoorSeen(100, "no answer"))
    node.died()
    node.wait(0.3)
    node.spawned(101)
    node.live(5)
    assert node.causes == []


@pytest.mark.parametrize("seed", range(15))
def test_the_door_is_never_left_shut(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a schedule, no secret
    node = running(holder=True)
    done: list[Effect] = []
    for number in range(60):
        drain = DrainRequested(BEGIN, None, random.random() < 0.2, number)
        happens: list[Event] = [drain, UndrainRequested(), UndrainRequested()]
        event = random.choice(happens)
        done += node.post(event) + node.wait(random.choice([0.1, 0.4, 0.6, 2]))
        done += node.hold(present=random.random() < 0.6)
    done += node.wait(20)
    kinds = [type(effect) for effect in door(done)]
    assert all(one is not other for one, other in pairwise(kinds)), "shut, open, shut, open"
    assert not kinds or kinds[-1] is LetIn
