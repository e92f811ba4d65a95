"""keepalived.service is started where nobody wants it otherwise, and left alone where somebody does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halbd.decide import service
from halbd.decide.status import status
from halbd.model.config import LogLevel
from halbd.model.effects import Say, StartKeepalivedUnit
from halbd.model.events import KeepalivedSeen
from halbd.model.service import Idle, PidFile, Service
from tests.decide.driver import Driver, of

STOPPED = Idle(*service.STOPPED, 900.0)
UNMET = Idle(*service.UNMET, 900.0)
MASKED, ABSENT = service.UNSTARTABLE["masked"], service.UNSTARTABLE["not-found"]
STRANGER = PidFile("/run/keepalived.pid", 7, "nginx")
BLOCKED = Idle(*service.blocked(STRANGER), 900.0)
FAILED = Service(None, active="failed", ended=900)
NEVER = Service(None, active="inactive")  # as after a boot, before anybody has started it


@pytest.mark.parametrize(
    ("one", "failed", "idle"),
    [
        pytest.param(Service(7), False, None, id="it runs"),
        pytest.param(Service(7, ended=900), False, None, id="it runs, and did so before"),
        pytest.param(NEVER, False, None, id="it never ran"),
        pytest.param(replace(NEVER, ended=900), False, STOPPED, id="it was stopped"),
        pytest.param(replace(NEVER, ended=900, unmet=True), False, UNMET, id="it found no file"),
        pytest.param(replace(NEVER, job=True, ended=900), False, None, id="it is about to start"),
        pytest.param(Service(None, active="deactivating", ended=900), False, None, id="it is stopping"),
        pytest.param(Service(None, active="activating", ended=900), False, None, id="it is starting"),
        pytest.param(FAILED, True, None, id="it failed"),
        pytest.param(replace(FAILED, blocked=(STRANGER,)), False, BLOCKED, id="it failed, and would again"),
        pytest.param(replace(FAILED, blocked=(STRANGER,), job=True), True, None, id="it failed, and is tried again"),
        pytest.param(replace(NEVER, ended=900, blocked=(STRANGER,)), False, BLOCKED, id="it ended, and would again"),
        pytest.param(replace(NEVER, blocked=(STRANGER,)), False, None, id="it may be blocked, and was never tried"),
        pytest.param(replace(NEVER, load="masked"), False, Idle(*MASKED), id="it is masked"),
        pytest.param(Service(None, "masked", "failed", ended=9), False, Idle(*MASKED, 9), id="failed and masked"),
        pytest.param(Service(7, "masked"), False, None, id="masked while it runs"),
        pytest.param(replace(NEVER, load="not-found"), False, Idle(*ABSENT), id="it is not installed"),
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
    words = {"why": "it was stopped by somebody", "cure": "systemctl start keepalived"}
    said = Say(LogLevel.WARNING, "keepalived.left_alone", words)
    assert of(Say, done).count(said) == 1
    assert of(StartKeepalivedUnit, done) == []
    shown = status(node.state, node.now)["keepalived"]["stopped"]
    assert shown == words | {"since": "2026-01-01T00:15:00.000000Z"}
    node.post(KeepalivedSeen(7))
    assert status(node.state, node.now)["keepalived"]["stopped"] is None


def test_where_it_has_never_run_nobody_knows_since_when() -> None:
    node = unit()
    node.post(KeepalivedSeen(None, idle=Idle(*MASKED)))
    shown = status(node.state, node.now)["keepalived"]["stopped"]
    assert (shown["why"], shown["since"]) == ("it is masked", None)


@pytest.mark.parametrize(
    ("one", "why", "cure"),
    [
        (STRANGER, "/run/keepalived.pid names pid 7 (nginx)", "rm /run/keepalived.pid"),
        (replace(STRANGER, program=""), "/run/keepalived.pid names pid 7 (of another program)", "rm "),
        (PidFile("/run/vrrp.pid"), "/run/vrrp.pid names no process", "rm /run/vrrp.pid"),
        (replace(STRANGER, program="keepalived"), "another one runs, pid 7 in /run/keepalived.pid", "kill 7"),
    ],
)
def test_what_keeps_it_from_starting_is_told_with_its_cure(one: PidFile, why: str, cure: str) -> None:
    said = service.blocked(one)
    assert said[0].endswith(why)
    assert said[1].startswith(cure)


def test_one_that_would_only_fail_again_is_started_as_soon_as_nothing_is_in_the_way() -> None:
    node = unit()
    assert of(StartKeepalivedUnit, node.post(KeepalivedSeen(None, idle=BLOCKED))) == []
    assert of(StartKeepalivedUnit, node.post(KeepalivedSeen(None, failed=True))) == [StartKeepalivedUnit()]
