"""A question is over with its answer, of whatever kind, and is then asked again; what a child's beginning settles."""

from __future__ import annotations

import pytest

from halbd.model.child import Program
from halbd.model.effects import LetIn, Probe, StartKeepalivedUnit, TakeUp, WriteLook
from halbd.model.events import Event, KeepalivedSeen, ProbeDone, ProxySeen, ProxySilent, Spawned
from halbd.model.evidence import ProbeResult
from halbd.model.service import Idle
from tests.decide.driver import Driver, of, running, view
from tests.decide.wire import said

LOCAL = "local/kube-apiserver"


def answer(node: Driver, *, ours: bool = False, ok: bool = True) -> ProbeDone:
    status, error = (200, "") if ok else (None, "no")
    return ProbeDone(ProbeResult(node.target(LOCAL), ok, ok, status, 0.01, node.now, error, ours=ours))


@pytest.mark.parametrize("up", [3, 0])
@pytest.mark.parametrize(("ours", "ok"), [(False, True), (False, False), (True, False)])
def test_a_probe_is_asked_until_there_is_an_answer(*, ours: bool, ok: bool, up: int) -> None:
    node = running()
    node.look(up=up)
    node.post(ProxySeen(view(node.state.config, up)))
    node.wait(1)
    assert node.state.series[LOCAL].asking is True
    node.post(answer(node, ours=ours, ok=ok))
    assert node.state.series[LOCAL].asking is False


@pytest.mark.parametrize("kind", ["seen", "silent", "ours"])
def test_the_proxy_is_asked_until_there_is_an_answer(kind: str) -> None:
    node = running()
    node.wait(1)
    assert node.state.admin.asking is True
    events: dict[str, Event] = {
        "seen": ProxySeen(view(node.state.config, 3)),
        "silent": ProxySilent("no answer"),
        "ours": ProxySilent("too many open files", ours=True),
    }
    node.post(events[kind])
    assert node.state.admin.asking is False


def test_an_admin_socket_that_could_not_be_asked_makes_no_proxy_hang() -> None:
    """Out of descriptors just when the frontends do not answer: they alone are known to be unwell."""
    node = running()
    for _ in range(10):
        node.wait(1)
        node.post(ProxySilent("too many open files", ours=True))
        node.post(ProbeDone(ProbeResult(node.target(LOCAL), False, False, None, 1.0, node.now, "no answer in 1 s")))
    assert node.causes == ["local_probe"]
    node.live(10, ok=False, silent=True)
    assert node.causes == ["proxy_hung"]


@pytest.mark.parametrize(("adopted", "behind"), [(True, False), (True, True), (False, False)])
def test_only_a_proxy_that_was_found_on_the_generation_in_force_has_taken_it_up(*, adopted: bool, behind: bool) -> None:
    node = running()
    node.post(Spawned(Program.PROXY, 101, 1, adopted=adopted, behind=behind))
    assert node.state.taken_up is (adopted and not behind)


@pytest.mark.parametrize(
    ("adopted", "behind", "todo"),
    [
        (False, False, [WriteLook()]),
        (True, False, [WriteLook(), LetIn(), Probe]),
        (True, True, [LetIn(), TakeUp(Program.PROXY), Probe]),
    ],
)
def test_a_proxy_that_was_found_is_noted_let_in_caught_up_and_asked_at_once(
    *, adopted: bool, behind: bool, todo: list[object]
) -> None:
    done = Driver().post(Spawned(Program.PROXY, 100, 1, adopted=adopted, behind=behind))
    wanted = (WriteLook, LetIn, TakeUp, Probe)
    assert [Probe if isinstance(one, Probe) else one for one in done if isinstance(one, wanted)] == todo


def test_a_child_is_known_by_its_pid_and_when_it_was_started() -> None:
    node = running()
    node.post(Spawned(Program.PROXY, 101, 777), Spawned(Program.KEEPALIVED, 201, 778))
    assert (node.state.proxy.start_ticks, node.state.keepalived.start_ticks) == (777, 778)


def test_a_keepalived_that_is_left_alone_is_said_once() -> None:
    node = running()
    idle = KeepalivedSeen(None, failed=True, idle=Idle("stopped by somebody", "systemctl start keepalived"))
    first, second = node.post(idle), node.post(idle)
    assert said(first) == ["keepalived.gone", "keepalived.left_alone"]
    assert said(second) == []
    assert [len(of(StartKeepalivedUnit, done)) for done in (first, second)] == [1, 1]
