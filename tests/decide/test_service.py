"""keepalived.service is started where nobody wants it otherwise, and left alone where somebody does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halbd.decide import service
from halbd.decide.status import status
from halbd.model.config import LogLevel
from halbd.model.effects import Say, StartKeepalivedUnit
from halbd.model.events import KeepalivedSeen
from halbd.model.service import Idle, Service, Why
from tests.decide.driver import Driver, of

STOPPED = Idle(Why.STOPPED, 900.0)
NEVER = Service(None, active="inactive")  # as after a boot, before anybody has started it


@pytest.mark.parametrize(
    ("one", "failed", "idle"),
    [
        pytest.param(Service(7), False, None, id="it runs"),
        pytest.param(Service(7, ended=900), False, None, id="it runs, and did so before"),
        pytest.param(NEVER, False, None, id="it never ran"),
        pytest.param(replace(NEVER, ended=900), False, STOPPED, id="it was stopped"),
        pytest.param(replace(NEVER, job=True, ended=900), False, None, id="it is about to start"),
        pytest.param(Service(None, active="deactivating", ended=900), False, None, id="it is stopping"),
        pytest.param(Service(None, active="activating", ended=900), False, None, id="it is starting"),
        pytest.param(Service(None, active="failed", ended=900), True, None, id="it failed"),
        pytest.param(replace(NEVER, load="masked"), False, Idle(Why.MASKED), id="it is masked"),
        pytest.param(Service(None, "masked", "failed", ended=9), False, Idle(Why.MASKED, 9), id="failed and masked"),
        pytest.param(Service(7, "masked"), False, None, id="masked while it runs"),
        pytest.param(replace(NEVER, load="not-found"), False, Idle(Why.ABSENT), id="it is not installed"),
    ],
)
def test_each_state(one: Service, failed: bool, idle: Idle | None) -> None:
    assert (service.failed(one), service.idle(one)) == (failed, idle)


def unit() -> Driver:
    node = Driver(child=False)
    node.state = replace(node.state, keepalived_is_unit=True)
    return node


def test_one_that_is_left_alone_is_said_once_and_shown_until_it_runs() -> None:
    node = unit()
    done = node.post(KeepalivedSeen(None, idle=STOPPED), KeepalivedSeen(None, idle=STOPPED))
    said = Say(LogLevel.WARNING, "keepalived.left_alone", {"why": "it was stopped by somebody"})
    assert of(Say, done).count(said) == 1
    assert of(StartKeepalivedUnit, done) == []
    shown = {"why": "it was stopped by somebody", "since": "2026-01-01T00:15:00.000000Z"}
    assert status(node.state, node.now)["keepalived"]["stopped"] == shown
    node.post(KeepalivedSeen(7))
    assert status(node.state, node.now)["keepalived"]["stopped"] is None


def test_where_it_has_never_run_nobody_knows_since_when() -> None:
    node = unit()
    node.post(KeepalivedSeen(None, idle=Idle(Why.MASKED)))
    assert status(node.state, node.now)["keepalived"]["stopped"] == {"why": "it is masked", "since": None}
