"""What a verdict says, and since when: the whole reason, not its beginning. And the edges of its times."""

from __future__ import annotations

from dataclasses import replace as part
from datetime import timedelta
from typing import Any

import pytest

from halbd.decide.targets import local_targets
from halbd.decide.verdict import hung, longest_age, verdict
from halbd.model.child import Child, Phase
from halbd.model.evidence import FrontendView, Now, ProbeResult, ProxyView, Streak
from halbd.model.maintenance import Maintenance
from halbd.model.replacing import replace
from halbd.model.state import Bar, KeptOut, Series, State, Stopping
from halbd.model.verdict import Cause, Reason
from tests.decide.driver import running
from tests.sample import config

NODE = running(config(health={"timeout": 0.5}))
STATE, NOW = NODE.state, NODE.now
EARLIER = Now(NOW.mono - 5, NOW.wall - timedelta(seconds=5))
TARGET = local_targets(STATE.config)[0]


def reasons(**changes: Any) -> tuple[Reason, ...]:
    return verdict(replace(STATE, **changes), NOW).reasons


def series(answer: ProbeResult | None, streak: Streak, **more: bool) -> dict[str, Series]:
    return {TARGET.name: Series(0, streak, answer, begun=NOW.mono, **more)}


def no_answer(latency: float, at: Now = NOW) -> ProbeResult:
    return ProbeResult(TARGET, ok=False, connected=True, status=None, latency=latency, at=at, error="timed out")


def test_maintenance_says_who_asked_for_it_and_when() -> None:
    ending = Reason(Cause.MAINTENANCE, "halbd is being stopped", EARLIER.wall)
    assert reasons(stopping=Stopping(EARLIER, faulted=NOW.mono)) == (ending,)
    drained = Maintenance(EARLIER.wall, None, 0, withdrawn=0)
    assert reasons(maintenance=drained) == (
        Reason(Cause.MAINTENANCE, "the operator has drained this node", EARLIER.wall),
    )


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        (Child(Phase.STOPPING, changed=EARLIER), "it is being stopped"),
        (Child(Phase.BACKOFF, changed=EARLIER, last_exit="exited with code 1"), "exited with code 1"),
        (Child(Phase.BACKOFF, changed=EARLIER), "it has not started yet"),
    ],
)
def test_a_proxy_that_does_not_run_says_why_and_since_when(proxy: Child, words: str) -> None:
    assert reasons(proxy=proxy) == (Reason(Cause.PROXY_DEAD, f"haproxy does not run: {words}", EARLIER.wall),)
    assert [one.since for one in reasons(proxy=part(proxy, changed=None))] == [NOW.wall]


def test_a_proxy_on_trial_says_since_when_it_runs_and_fails_nobody() -> None:
    proxy = Child(Phase.RUNNING, started=EARLIER, failures=3, due=NOW.mono + 3, last_exit="killed by SIGKILL")
    words = "haproxy died 3 times in a row, at last: killed by SIGKILL"
    trial = "the other nodes come first until it has run for 8 s"
    assert reasons(proxy=proxy) == (Reason(Cause.PROXY_UNSTABLE, f"{words}; {trial}", EARLIER.wall, fails=False),)
    assert [one.since for one in reasons(proxy=part(proxy, started=None))] == [NOW.wall]


def test_a_door_that_is_still_shut_says_what_opens_it_and_since_when() -> None:
    words = (
        "an earlier halbd ended while new connections waited, and nobody has let them in yet "
        "(`systemctl restart halbd-helper`): timed out"
    )
    found = reasons(kept_out=KeptOut("timed out", EARLIER))
    assert found == (Reason(Cause.VIP_UNSERVED, words, EARLIER.wall),)


def test_a_node_that_sees_no_server_says_behind_which_frontend() -> None:
    blind = ProxyView((FrontendView("api", ()), FrontendView("ingress", ())))
    words = "haproxy sees no server up behind "
    for view, names in ((blind, "api, ingress"), (None, "")):
        (found,) = reasons(blind_since=EARLIER, view=view)
        assert found == Reason(Cause.NO_SERVERS, words + names, EARLIER.wall, fails=False)


def test_a_barred_vip_says_for_how_long_and_is_free_at_the_end_of_it() -> None:
    bar = Bar(EARLIER, NOW.mono + 5, 1)
    words = f"{NODE.vip} went unserved here; tried again after 10 s, or `halbctl undrain`"
    assert reasons(barred={NODE.vip: bar}) == (Reason(Cause.VIP_UNSERVED, words, EARLIER.wall),)
    assert reasons(barred={NODE.vip: part(bar, until=NOW.mono)}) == ()


def test_a_probe_without_any_answer_says_so() -> None:
    blamed = series(None, Streak(up=False, failing_since=EARLIER.mono), blamed=True)
    assert reasons(series=blamed) == (Reason(Cause.LOCAL_PROBE, f"{TARGET.name}: no answer yet", EARLIER.wall),)
    blamed = series(None, Streak(up=False), blamed=True)
    assert [reason.since for reason in reasons(series=blamed)] == [NOW.wall]


def silent(state: State, answer: ProbeResult | None, *, blind: bool = False, up: bool = True) -> bool:
    """Nothing comes from the admin socket, and this to the last probe."""
    admin = Series(0, Streak(up=False, failing_since=EARLIER.mono))
    blind_since = EARLIER if blind else None
    return hung(replace(state, admin=admin, blind_since=blind_since, series=series(answer, Streak(up=up))))


def test_a_hung_proxy_says_which_process_and_since_when() -> None:
    admin = Series(0, Streak(up=False, failing_since=EARLIER.mono))
    mute = series(no_answer(0.5), Streak(up=False))
    words = "haproxy (pid 100) runs, but answers neither a connection nor its admin socket"
    assert reasons(admin=admin, series=mute) == (Reason(Cause.PROXY_HUNG, words, EARLIER.wall),)


def test_without_servers_a_proxy_hangs_only_where_the_last_probe_waited() -> None:
    assert silent(STATE, no_answer(0.46), blind=True)
    assert not silent(STATE, no_answer(0.45), blind=True)
    assert not silent(STATE, no_answer(0.46))
    assert not silent(STATE, None, up=False)
    assert not silent(STATE, part(no_answer(0.46), status=503), up=False)


@pytest.mark.parametrize("later", [0, 1])
def test_an_answer_is_missing_when_it_is_older_than_the_longest_age(later: int) -> None:
    long_ago = Now(NOW.mono - longest_age(STATE) - later, NOW.wall)
    answered = {t.name: Series(0, Streak(up=True), no_answer(0, long_ago)) for t in local_targets(STATE.config)}
    unanswered = {t.name: Series(0, Streak(up=True), begun=long_ago.mono) for t in local_targets(STATE.config)}
    for one in (answered, unanswered):
        assert verdict(replace(STATE, series=one), NOW).stale is bool(later)
