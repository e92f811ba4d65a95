"""An outage behind the proxy: 0 moves when all are blind, one move when only the holder is."""

from __future__ import annotations

import pytest

from halbd.decide.blind import HOLDER_BLIND, ON_TRIAL, SEES, STANDBY_BLIND
from halbd.decide.timing import lag
from halbd.model.effects import Record
from tests.decide.driver import Driver, of, running
from tests.sample import config


def test_a_standby_gives_way_at_once_and_a_holder_only_after_skew() -> None:
    standby, holder = running(), running(holder=True)
    wait = lag(holder.state.config)
    standby.live(1.1, up=0)
    holder.live(1.1, up=0)
    assert (standby.level, holder.level) == (STANDBY_BLIND, SEES)
    holder.live(wait - 2, up=0)
    assert holder.level == SEES
    holder.live(3, up=0)
    assert holder.level == HOLDER_BLIND


def test_when_the_servers_are_back_the_holder_rises_at_once_and_a_standby_after_skew() -> None:
    standby, holder = running(), running(holder=True)
    wait = lag(holder.state.config)
    for node in (standby, holder):
        node.live(wait + 5, up=0)
        node.live(1.1)
    assert (standby.level, holder.level) == (STANDBY_BLIND, SEES)
    standby.live(wait + 1)
    assert standby.level == SEES


def test_a_blind_standby_that_gets_the_vip_ranks_as_a_holder() -> None:
    node = running()
    node.live(1.1, up=0)
    node.hold()
    assert node.level == HOLDER_BLIND
    node.hold(present=False)
    assert node.level == STANDBY_BLIND


def test_a_standby_that_sees_again_and_gets_the_vip_rises_at_once() -> None:
    node = running()
    node.live(5, up=0)
    node.live(1.1)
    node.hold()
    assert node.level == SEES


def test_a_short_loss_of_sight_moves_nothing() -> None:
    node = running(holder=True)
    node.live(lag(node.state.config) - 2, up=0)
    node.live(30)
    assert node.level == SEES
    assert node.causes == []


def dying(times: int, *, holder: bool = True, **health: object) -> Driver:
    """Its proxy has died so often in a row, has been started again, and is well."""
    node = running(config(health=health), holder=holder)
    for pid in range(100, 100 + times):
        node.died(pid)
        node.live(10)
        node.spawned(pid + 1)
        node.live(5)
    return node


@pytest.mark.parametrize("on_no_servers", ["lower_priority", "fail", "ignore"])
def test_a_proxy_that_dies_again_and_again_lets_other_nodes_come_first_until_it_has_run_for_a_while(
    on_no_servers: str,
) -> None:
    node = dying(2, on_no_servers=on_no_servers)
    assert (node.level, node.causes) == (SEES, [])
    node = dying(3, on_no_servers=on_no_servers)
    assert (node.level, node.fault, node.verdict.ok, node.causes) == (ON_TRIAL, 0, True, ["proxy_unstable"])
    (reason,) = node.verdict.reasons
    assert "haproxy died 3 times in a row, at last: killed by SIGKILL" in reason.detail
    assert "until it has run for 8 s" in reason.detail
    node.live(3)
    assert (node.level, node.causes) == (SEES, [])


def test_the_trial_goes_with_whatever_else_is_wrong() -> None:
    node = dying(4, holder=False)
    assert node.level == ON_TRIAL
    node.live(1.1, up=0)
    assert node.level == STANDBY_BLIND
    node.live(1.1)
    node.hold()
    assert node.level == ON_TRIAL
    node.live(20)
    assert (node.level, node.causes) == (SEES, [])


def test_who_comes_first_meanwhile_has_the_vip_by_its_priority() -> None:
    node = dying(3)
    (record,) = of(Record, node.hold(present=False))
    assert record.transition.cause.startswith("a better node took over")


def test_without_lower_priority_no_level_is_ever_pushed() -> None:
    node = running(config(health={"on_no_servers": "ignore"}), holder=True)
    node.live(30, up=0)
    assert node.level == SEES
    assert node.verdict.ok
