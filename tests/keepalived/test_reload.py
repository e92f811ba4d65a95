"""A reload by SIGHUP, also of a file that keepalived cannot use."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import pytest

from halbd.model.config import Health, OnNoServers
from halbd.model.errors import FailedError
from halbd.system.keepalived_reload import checks, reload
from tests.keepalived.conftest import MakePair, start
from tests.keepalived.pair import LoadBalancer, moved
from tests.render.cases import CASES
from tests.render.netns import wait_until

pytestmark = pytest.mark.root

Pair = tuple[LoadBalancer, LoadBalancer]


def _no_such_interface(text: str) -> str:
    return text.replace("interface ens192", "interface ens999")


def _unterminated_quote(text: str) -> str:
    return text.replace('halbd.sock"', "halbd.sock")


def _missing_brace(text: str) -> str:
    return text.rstrip().removesuffix("}")


def _unknown_word(text: str) -> str:
    return text.replace("advert_int", "advertise_every")


BAD_FILES: dict[Callable[[str], str], str] = {
    _no_such_interface: "New config failed validation",
    _missing_brace: "New config failed validation",
    _unknown_word: "New config failed validation",
    _unterminated_quote: "reload_check exited due to segmentation fault",
}


@pytest.mark.parametrize("spoil", BAD_FILES)
def test_a_reload_of_a_bad_file_changes_nothing(running: Pair, spoil: Callable[[str], str]) -> None:
    """`reload_check_config`: without it some of these end keepalived and leave the VIP behind."""
    holder, standby = running
    holder.file.write_text(spoil(holder.file.read_text()))
    holder.reload()
    holder.wait_for_log(BAD_FILES[spoil])
    assert holder.holds()
    assert (holder.logged("Entering MASTER STATE"), standby.logged("Entering MASTER STATE")) == (1, 0)
    holder.write()
    holder.reload()
    holder.wait_for_log("Reload complete")
    assert holder.holds()


def test_a_reload_of_a_good_file_drops_nothing(running: Pair) -> None:
    holder, standby = running
    holder.config = replace(holder.config, health=Health(on_no_servers=OnNoServers.IGNORE))
    holder.write()
    holder.reload()
    holder.wait_for_log("Reload complete")
    assert holder.holds()
    assert standby.logged("Entering MASTER STATE") == 0
    holder.push("fault", "1\n")
    moved(holder, standby)


@pytest.mark.parametrize("case", ["version-2-with-password", "ipv6-nodes"])
def test_the_vip_moves_with_every_form_of_vrrp(case: str, make_pair: MakePair) -> None:
    first, second = make_pair(CASES[case])
    start(first, second)
    first.push("fault", "1\n")
    moved(first, second)


def test_a_second_reload_waits_for_the_check_of_the_first(running: Pair) -> None:
    """Two checks at once have a good file refused, or its VRRP process end by SIGSEGV; the VIP is away then."""
    holder, standby = running
    child = holder.vrrp
    with stopped_check(holder) as check:
        second = Thread(target=reload, args=(holder.who,))
        second.start()
        second.join(1)
        assert second.is_alive()
        assert checks(holder.who.pid) == [check]
    second.join(20)
    holder.wait_for_log("Reload complete", times=2)
    assert (holder.vrrp, holder.logged("failed validation")) == (child, 0)
    assert holder.holds()
    assert standby.logged("Entering MASTER STATE") == 0


def test_a_check_that_does_not_end_is_told(running: Pair) -> None:
    holder, _ = running
    with stopped_check(holder), pytest.raises(FailedError, match="still at the check of its config"):
        reload(holder.who, patience=0.2)


def test_one_that_has_not_yet_taken_in_a_signal_is_sent_no_other(running: Pair) -> None:
    """It reloads once, when it goes on."""
    holder, _ = running
    os.kill(holder.who.pid, signal.SIGSTOP)
    reload(holder.who)
    reload(holder.who)
    os.kill(holder.who.pid, signal.SIGCONT)
    holder.wait_for_log("Reload complete")
    reload(holder.who)
    holder.wait_for_log("Reload complete", times=2)
    assert holder.logged("Reload complete") == 2


def test_one_that_has_gone_needs_no_reload(running: Pair) -> None:
    holder, _ = running
    who = holder.who
    holder.kill()
    reload(who)


@contextmanager
def stopped_check(node: LoadBalancer) -> Iterator[int]:
    """A check that is under way, held up: of a long config, or it would be over before it is seen."""
    node.file.write_text(node.file.read_text() + "# a comment that has to be read\n" * 300_000)
    first = Thread(target=reload, args=(node.who,))
    first.start()
    wait_until(lambda: bool(checks(node.who.pid)), "its check")
    (pid,) = checks(node.who.pid)
    os.kill(pid, signal.SIGSTOP)
    first.join(20)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)
