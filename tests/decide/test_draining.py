"""`halbctl drain`: the VIP goes to a peer first, nobody is left without, and it always ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from halbd.decide.draining import resumed
from halbd.decide.handover import LONGEST, SHORTEST, offer_time
from halbd.decide.holding import role
from halbd.decide.status import status
from halbd.model.effects import DrainSettled, Effect, Finish, ForgetDrain, Record, Signal
from halbd.model.events import (
    AddressesDumped,
    ConfigApplied,
    ConnectionsEnded,
    DrainRequested,
    Event,
    StopRequested,
    Tick,
    UndrainRequested,
)
from halbd.model.maintenance import Note, Outcome
from tests.decide.driver import BEGIN, Driver, of, pushes, running
from tests.sample import config

DRAIN = DrainRequested(BEGIN, None, force=False, number=1)
NO_PREEMPT = config(health={"on_no_servers": "ignore"}, vrrp={"preempt": False})


def outcomes(effects: list[Effect]) -> list[Outcome]:
    return [settled.outcome for settled in of(DrainSettled, effects)]


def drained(node: Driver) -> bool:
    return node.state.maintenance is not None and node.state.maintenance.withdrawn is not None


def test_a_holder_offers_the_vip_and_is_at_fault_only_once_it_has_left() -> None:
    node = running(holder=True)
    done = node.post(DRAIN)
    assert pushes(done) == {"no_servers.lb1": 2}, "lowered, and not yet at fault: a peer takes over first"
    assert (outcomes(done), node.verdict.ok) == ([], True)
    node.wait(0.7)
    done = node.hold(present=False)
    assert pushes(done) == {"fault": 1}
    assert [(one.outcome, round(one.after, 3)) for one in of(DrainSettled, done)] == [(Outcome.MOVED, 0.7)]
    assert (node.causes, of(Signal, done)) == (["maintenance"], [])


def test_a_node_that_holds_nothing_is_drained_at_once() -> None:
    node = running()
    done = node.post(DRAIN)
    assert (pushes(done)["fault"], outcomes(done)) == (1, [Outcome.NOT_HELD])


def test_when_nobody_takes_the_vip_within_a_second_nothing_has_changed_and_it_is_said() -> None:
    node = running(holder=True)
    before = node.state.pushed
    node.post(DRAIN)
    assert outcomes(node.wait(SHORTEST - 0.01)) == []
    done = node.wait(0.02)
    assert outcomes(done) == [Outcome.UNDONE]
    assert of(ForgetDrain, done) == [ForgetDrain(1)]
    assert (node.state.pushed, node.state.maintenance, node.verdict.ok) == (before, None, True)


def test_with_force_it_is_at_fault_all_the_same() -> None:
    node = running(holder=True)
    node.post(replace(DRAIN, force=True))
    done = node.wait(SHORTEST + 0.01)
    assert (pushes(done), outcomes(done)) == ({"fault": 1}, [Outcome.FORCED])
    assert drained(node)


def test_where_no_peer_heeds_an_offer_it_is_refused_and_with_force_at_fault_at_once() -> None:
    alone = config(nodes=[{"name": "lb1", "address": "10.10.50.2"}], vrrp={"unicast": False})
    delayed = config(vrrp={"preempt_delay": 30})
    slow = config(vrrp={"advert_int": 5})
    for one in (NO_PREEMPT, alone, delayed, slow):
        node = running(one, holder=True)
        done = node.post(DRAIN)
        assert (outcomes(done), pushes(done).get("fault")) == ([Outcome.NO_OFFER], None)
        assert node.state.maintenance is None
        done = node.post(replace(DRAIN, force=True))
        assert (outcomes(done), pushes(done)["fault"]) == ([Outcome.FORCED], 1)


@pytest.mark.parametrize("rule", ["fail", "ignore"])
def test_the_offer_is_made_by_priority_whatever_an_outage_does(rule: str) -> None:
    node = running(config(health={"on_no_servers": rule}), holder=True)
    assert pushes(node.post(DRAIN)) == {"no_servers.lb1": 2}
    node.hold(present=False)
    node.post(UndrainRequested())
    assert (node.level, node.fault) == (0, 0)


def test_the_offer_lasts_as_long_as_vrrp_needs_for_it() -> None:
    waits = {advert: offer_time(config(vrrp={"advert_int": advert})) for advert in (0.02, 0.2, 1, 2.4)}
    assert waits == {0.02: 1, 0.2: 1, 1: pytest.approx(4.2), 2.4: pytest.approx(9.8)}
    assert max(waits.values()) <= LONGEST


def test_priorities_so_far_apart_that_a_lowered_one_is_a_fault_are_not_lowered() -> None:
    """A weight of 254 or more puts an instance into FAULT (keepalived 2.2.7)."""
    nodes = [{"name": f"lb{i}", "address": f"10.10.50.{i + 1}", "priority": p} for i, p in ((1, 254), (2, 1))]
    assert offer_time(config(nodes=nodes, health={"on_no_servers": "fail"})) == 0


def test_undrain_ends_it_at_once_and_in_the_middle_of_the_offer() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    done = node.post(UndrainRequested())
    assert (pushes(done), outcomes(done)) == ({"no_servers.lb1": 0}, [Outcome.UNDRAINED])
    node.post(DRAIN)
    node.hold(present=False)
    done = node.post(UndrainRequested())
    assert pushes(done) == {"fault": 0, "no_servers.lb1": 0}
    assert (node.verdict.healthy, of(ForgetDrain, done)) == (True, [ForgetDrain(1)])
    assert node.post(UndrainRequested()) == []


def test_it_ends_by_itself_by_the_monotonic_clock() -> None:
    node = running()
    node.post(replace(DRAIN, until=node.mono + 60))
    node.live(59.9)
    assert drained(node)
    node.live(0.2)
    assert (node.state.maintenance, node.verdict.healthy, node.fault) == (None, True, 0)


def test_a_wall_clock_that_jumps_a_year_neither_ends_nor_prolongs_it() -> None:
    for years in (-1, 1):
        node = running()
        node.post(replace(DRAIN, until=node.mono + 60))
        node.jump = timedelta(days=365 * years)
        node.live(59)
        assert drained(node)
        assert status(node.state, node.now)["maintenance"]["until"][:4] == str(2026 + years if years > 0 else 2025)
        node.live(2)
        assert node.state.maintenance is None


def test_a_second_drain_gives_it_another_end() -> None:
    node = running()
    node.post(replace(DRAIN, until=node.mono + 10))
    done = node.post(replace(DRAIN, until=node.mono + 100, number=2))
    assert outcomes(done) == [Outcome.ALREADY]
    node.live(50)
    assert drained(node)
    done = node.wait(60)
    assert of(ForgetDrain, done) == [ForgetDrain(2)]


def test_a_second_drain_during_the_offer_makes_no_second_offer_and_can_force_the_first() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    node.wait(0.6)
    node.post(replace(DRAIN, force=True, number=2))
    assert outcomes(node.wait(0.5)) == [Outcome.FORCED]


def test_an_end_within_the_offer_ends_the_offer() -> None:
    node = running(holder=True)
    node.post(replace(DRAIN, until=node.mono + 0.5))
    assert outcomes(node.wait(2)) == [Outcome.EXPIRED]
    assert (node.level, node.fault) == (0, 0)


def test_status_says_offered_then_drained_and_a_role_of_its_own() -> None:
    node = running(holder=True)
    assert status(node.state, node.now)["maintenance"] is False
    node.post(replace(DRAIN, until=node.mono + 60))
    said = status(node.state, node.now)
    assert (said["role"], said["maintenance"]["state"], said["healthy"]) == ("master", "offered", True)
    (row,) = of(Record, node.hold(present=False))
    assert (row.transition.role_after, row.transition.cause) == ("maintenance", "maintenance: offered to the peers")
    said = status(node.state, node.now)
    assert (said["role"], said["maintenance"]["state"], said["healthy"]) == ("maintenance", "drained", False)
    assert said["maintenance"]["since"] < said["maintenance"]["until"]


def test_a_fault_of_its_own_during_the_offer_gives_the_vip_up_and_it_is_drained() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    assert pushes(node.died()) == {"fault": 1}
    assert outcomes(node.hold(present=False)) == [Outcome.MOVED]
    assert node.causes == ["maintenance", "proxy_dead"]


def test_a_dead_proxy_is_started_again_while_drained_and_found_well_after_it() -> None:
    node = running()
    node.post(DRAIN)
    node.died()
    node.wait(1)
    node.spawned(101)
    node.live(5)
    assert node.causes == ["maintenance"]
    node.post(UndrainRequested())
    assert node.verdict.healthy


def test_a_stop_during_the_offer_goes_on_with_it_and_the_node_stays_drained() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    node.wait(0.5)
    assert pushes(node.post(StopRequested())) == {}
    done = [*node.hold(present=False), *node.post(ConnectionsEnded(node.vip, 0, ()))]
    assert (outcomes(done), len(of(Signal, done)), of(ForgetDrain, done)) == ([Outcome.MOVED], 2, [])


def test_a_stop_is_no_reason_to_undo_and_the_waiting_command_gets_its_answer() -> None:
    node = running(holder=True)
    node.post(DRAIN, StopRequested())
    done = node.wait(5)
    assert outcomes(done) == [Outcome.FORCED]
    assert of(ForgetDrain, done) == []


def test_a_drain_during_a_stop_is_refused() -> None:
    node = running(holder=True)
    node.post(StopRequested())
    done = node.post(DRAIN)
    assert (outcomes(done), of(ForgetDrain, done)) == ([Outcome.STOPPING], [ForgetDrain(1)])


def test_a_drained_node_stops_at_once() -> None:
    node = running()
    node.post(DRAIN)
    assert len(of(Signal, node.post(StopRequested()))) == 2


def test_a_reload_while_offering_and_while_drained_changes_nothing_of_it() -> None:
    node = running(holder=True)
    node.post(DRAIN)
    node.post(ConfigApplied(config(cluster="other")))
    assert (node.level, node.state.maintenance is not None) == (2, True)
    node.hold(present=False)
    node.post(ConfigApplied(config(cluster="third")))
    assert (node.fault, node.causes) == (1, ["maintenance"])


def test_a_blind_holder_can_be_drained_too_and_wakes_for_nothing() -> None:
    node = running(holder=True)
    node.live(20, up=0)
    assert node.level == 1
    node.post(DRAIN)
    assert node.level == 2
    node.live(0.5, up=0)
    node.hold(present=False)
    node.live(30, up=0)
    assert drained(node)


NOTE = Note(running().now.wall, 600, running().now.wall + timedelta(seconds=600), "this", 1600.0)


def test_within_a_boot_the_monotonic_clock_counts_the_rest_whatever_the_wall_clock_says() -> None:
    node = Driver()
    for years in (-1, 0, 1):
        node.jump = timedelta(days=365 * years)
        one = resumed(NOTE, "this", held=False, now=node.now)
        assert one is not None
        assert (one.until, one.withdrawn) == (1600.0, 1000.0)
    node.mono = 1600.0
    assert resumed(NOTE, "this", held=False, now=node.now) is None


def test_after_a_reboot_the_wall_clock_counts_the_rest_and_never_more_than_was_asked_for() -> None:
    node = Driver()
    node.mono = 7.0
    rest = {}
    for days in (-365, 0, 365):
        node.jump = NOTE.since - BEGIN + timedelta(days=days, seconds=200 - 7)
        one = resumed(NOTE, "next", held=True, now=node.now)
        rest[days] = one.until if one else None
        assert one is None or one.withdrawn == 7.0, "no VIP can be here yet: not for a moment is one held"
    assert rest == {-365: 607.0, 0: pytest.approx(407.0), 365: None}


def test_without_an_end_it_lasts_over_any_number_of_boots() -> None:
    note = replace(NOTE, seconds=None, until=None, monotonic=None)
    for boot in ("this", "next"):
        one = resumed(note, boot, held=False, now=Driver().now)
        assert one is not None
        assert one.until is None


def test_a_start_into_maintenance_says_no_before_anything_is_known() -> None:
    node = Driver()
    node.state = replace(node.state, maintenance=resumed(NOTE, "next", held=False, now=node.now))
    node.post(Tick())
    node.spawned()
    node.live(30)
    assert node.fault == 1
    assert role(node.state, node.now) == "maintenance"
    assert 0 not in [value for effect in node.effects for value in pushes([effect]).values()]


def test_a_daemon_that_ended_in_the_middle_of_an_offer_makes_it_again() -> None:
    node = running(holder=True)
    node.state = replace(node.state, maintenance=resumed(NOTE, "this", held=True, now=node.now))
    node.post(AddressesDumped(frozenset({(node.vip, "eth0")}), "found when halbd started"))
    assert (node.level, node.fault) == (2, 0)
    assert pushes(node.hold(present=False)) == {"fault": 1}


@pytest.mark.parametrize("force", [True, False])
def test_one_that_was_forced_is_still_when_the_offer_is_made_again(force: bool) -> None:
    node = running(holder=True)
    one = resumed(replace(NOTE, force=force), "this", held=True, now=node.now)
    node.state = replace(node.state, maintenance=one)
    node.live(2)
    assert (node.fault, bool(node.state.maintenance)) == (int(force), force)


@pytest.mark.parametrize("seed", range(15))
def test_whatever_happens_meanwhile_an_offer_ends_and_every_request_is_answered(seed: int) -> None:
    """Random events at random moments: none of them leaves a node between the two."""
    random = Random(seed)  # noqa: S311  # a schedule, no secret
    node = running(random.choice([None, NO_PREEMPT]), holder=random.random() < 0.7)
    waiting = 0
    for number in range(1, 60):
        happens: list[Event] = [
            DrainRequested(
                BEGIN, random.choice([None, node.mono + 3 * random.random()]), random.random() < 0.3, number
            ),
            UndrainRequested(),
            Tick(),
        ]
        event = random.choice(happens)
        done = node.post(event)
        done += node.hold(present=random.random() < 0.5)
        if random.random() < 0.05 and not node.state.stopping:
            done += node.post(StopRequested())
        waiting += isinstance(event, DrainRequested)
        if outcomes(done):
            waiting = 0
        if outcomes(node.wait(random.choice([0, 0.1, 1]))):
            waiting = 0
        if of(Finish, node.effects):
            break
    if outcomes(node.wait(LONGEST)):
        waiting = 0
    assert waiting == 0
    assert node.state.maintenance is None or drained(node)
