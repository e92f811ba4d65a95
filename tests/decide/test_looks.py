"""What looks at keepalived's processes and sockets add up to, count by count."""

from __future__ import annotations

from signal import Signals

from halbd.decide.hung import DEAF, before_a_stop, due, looked
from halbd.model.child import Child, Phase, Program
from halbd.model.config import LogLevel
from halbd.model.effects import Effect, Say, Signal, TakeUp
from halbd.model.events import KeepalivedLooked
from halbd.model.guard import Guard, Hung, Sign
from halbd.model.replacing import replace
from halbd.model.state import State
from tests.decide.driver import running

NODE = running(holder=True)
NOW = NODE.now
HOLDER = replace(NODE.state, keepalived=Child(Phase.RUNNING, 200))
TOLD: tuple[Effect, ...] = (
    Say(LogLevel.ERROR, "keepalived.deaf", {"pid": 200, "why": "it does not watch the track files"}),
    TakeUp(Program.KEEPALIVED),
)


def after(looks: int, sign: Sign, unread: int = 0) -> State:
    return replace(HOLDER, guard=Guard(signs={sign: looks} if looks else {}, unread=unread))


def test_a_deaf_keepalived_is_told_at_every_third_look_and_the_log_once() -> None:
    deaf = KeepalivedLooked(200, frozenset({Sign.DEAF}))
    effects = [looked(after(before, Sign.DEAF), deaf, NOW)[1] for before in range(2 * DEAF)]
    silence: list[tuple[Effect, ...]] = [()] * (DEAF - 1)
    assert effects == [*silence, TOLD, *silence, TOLD[1:]]


def test_before_a_stop_one_look_is_enough() -> None:
    assert before_a_stop(after(1, Sign.DEAF)) == TOLD
    assert before_a_stop(after(0, Sign.DEAF)) == ()


def test_one_that_reads_some_of_its_adverts_begins_anew() -> None:
    for unread, looks in ((100, 6), (99, 1)):
        event = KeepalivedLooked(200, frozenset({Sign.UNREAD}), unread)
        assert looked(after(5, Sign.UNREAD, unread=100), event, NOW)[0].guard.signs == {Sign.UNREAD: looks}


def test_a_hung_keepalived_is_said_with_its_pid_and_forgotten_when_it_is_well() -> None:
    why = Sign.STOPPED.value
    state, effects = due(after(10, Sign.STOPPED), NOW)
    said = Say(LogLevel.ERROR, "keepalived.hung", {"pid": 200, "why": why})
    assert effects[:2] == (said, Signal(Program.KEEPALIVED, Signals.SIGKILL))
    assert state.guard.hung == Hung(why, NOW)
    well, effects = due(replace(state, guard=replace(state.guard, signs={})), NOW)
    assert (well.guard.hung, effects) == (None, ())


def test_what_was_seen_of_a_process_that_is_gone_is_forgotten() -> None:
    gone = replace(after(1, Sign.STOPPED), keepalived=Child())
    assert due(gone, NOW)[0].guard.signs == {}
    once = after(1, Sign.STOPPED)
    assert due(once, NOW) == (once, ())
