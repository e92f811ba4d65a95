"""`halbctl drain`: the VIP goes to a peer first, nobody is left without, and it always ends."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from halbd.decide.handover import LONGEST, SHORTEST, offer_time
from halbd.decide.status import status
from halbd.decide.step import next_due
from halbd.model.effects import DrainSettled, Finish, ForgetDrain, Record, Signal
from halbd.model.events import (
    ConfigApplied,
    ConnectionsEnded,
    DrainRequested,
    Event,
    StopRequested,
    Tick,
    UndrainRequested,
)
from halbd.model.maintenance import Outcome
from tests.decide.driver import BEGIN, DRAIN, drained, of, outcomes, pushes, running
from tests.sample import config

NO_PREEMPT = config(health={"on_no_servers": "ignore"}, vrrp={"preempt": False})


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


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (False, True, Outcome.FORCED),
        (True, False, Outcome.FORCED),
        (True, True, Outcome.FORCED),
        (False, False, Outcome.UNDONE),
    ],
)
def test_a_second_drain_during_the_offer_makes_no_second_offer_and_takes_no_force_away(
    first: bool, second: bool, outcome: Outcome
) -> None:
    node = running(holder=True)
    node.post(replace(DRAIN, force=first))
    node.wait(0.6)
    node.post(replace(DRAIN, force=second, number=2))
    assert outcomes(node.wait(0.5)) == [outcome]


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
    node.post(replace(DRAIN, until=None, number=2))
    assert status(node.state, node.now)["maintenance"]["until"] is None


def test_a_drained_node_s_proxy_is_started_again_when_it_has_rested() -> None:
    node = running()
    node.post(DRAIN)
    assert drained(node)
    node.died()
    node.wait(0.15)
    assert node.state.proxy.due is not None
    assert next_due(node.state) == node.state.proxy.due


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
