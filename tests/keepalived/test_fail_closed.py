"""keepalived fails open on nearly every mistake; with the rendered file it does not, or a test here says that it does.

"Fails closed" is always shown the same way: the standby gets the VIP and the broken node, although it is preferred,
has none.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.keepalived.pair import FAILS, PASSES, LoadBalancer, moved

pytestmark = pytest.mark.root

Pair = tuple[LoadBalancer, LoadBalancer]


def _rewrite(node: LoadBalancer, old: str, new: str) -> None:
    text = node.file.read_text()
    assert old in text
    node.file.write_text(text.replace(old, new))


def _delete(script: Path) -> None:
    script.unlink()


def _empty(script: Path) -> None:
    script.write_text("")


def _cut(script: Path) -> None:
    """As an interrupted copy leaves it, at the end of a line."""
    script.write_text(PASSES.partition("def main")[0])


def _stump(script: Path) -> None:
    script.write_text("def main():\n    pass\n")


def _garbage(script: Path) -> None:
    script.write_bytes(b"\x00\xff\x7fELF")


def _turn_into_folder(script: Path) -> None:
    script.unlink()
    script.mkdir()


BROKEN = [_delete, _empty, _cut, _stump, _garbage, _turn_into_folder]


@pytest.mark.parametrize("spoil", BROKEN)
def test_a_check_that_is_broken_from_the_start_takes_no_vip(stopped: Pair, spoil: Callable[[Path], None]) -> None:
    preferred, standby = stopped
    spoil(preferred.script)
    preferred.start()
    preferred.wait_for_log("VRRP_Script(halbd_check) failed")
    standby.start()
    moved(preferred, standby)


@pytest.mark.parametrize("spoil", BROKEN)
def test_a_check_that_breaks_while_running_gives_the_vip_away(running: Pair, spoil: Callable[[Path], None]) -> None:
    holder, standby = running
    spoil(holder.script)
    moved(holder, standby)


def test_a_check_that_fails_gives_the_vip_away_and_takes_it_back(running: Pair) -> None:
    holder, standby = running
    holder.script.write_text(FAILS)
    moved(holder, standby)
    holder.script.write_text(PASSES)
    moved(standby, holder)


def test_a_check_that_hangs_gives_the_vip_away(running: Pair) -> None:
    holder, standby = running
    holder.script.write_text("from time import sleep\n\n\ndef main():\n    sleep(30)\n")
    moved(holder, standby)


def test_a_check_needs_no_shebang_and_no_permission_to_execute(stopped: Pair) -> None:
    """It is the interpreter that is executed. Its verdict counts: a failing one fails, a passing one passes."""
    preferred, standby = stopped
    preferred.script.write_text(FAILS)
    for node in stopped:
        node.script.chmod(0o400)
        assert not node.script.read_text().startswith("#!")
        node.start()
    moved(preferred, standby)


def test_a_wrong_argument_of_the_interpreter_takes_no_vip(stopped: Pair) -> None:
    preferred, standby = stopped
    _rewrite(preferred, "python3 -I -S", "python3 -I -S --no-such-option")
    preferred.start()
    preferred.wait_for_log("VRRP_Script(halbd_check) failed")
    standby.start()
    moved(preferred, standby)


def test_no_verdict_yet_is_a_fault(stopped: Pair) -> None:
    """`init_file 1`: keepalived may start before halbd."""
    preferred, standby = stopped
    (preferred.track / "fault").unlink()
    preferred.start()
    preferred.wait_for_state("FAULT")
    standby.start()
    moved(preferred, standby)
    preferred.push("fault", "0\n")
    moved(standby, preferred)


def test_a_fault_from_before_the_start_counts(stopped: Pair) -> None:
    preferred, standby = stopped
    preferred.push("fault", "1\n")
    preferred.start()
    preferred.wait_for_state("FAULT")
    standby.start()
    moved(preferred, standby)


def test_a_pushed_fault_gives_the_vip_away_and_takes_it_back(running: Pair) -> None:
    holder, standby = running
    holder.push("fault", "1\n")
    moved(holder, standby)
    holder.push("fault", "0\n")
    moved(standby, holder)


def test_a_fault_survives_a_reload(running: Pair) -> None:
    holder, standby = running
    holder.push("fault", "1\n")
    moved(holder, standby)
    reloads = holder.logged("Reload complete")
    holder.reload()
    holder.wait_for_log("Reload complete", reloads + 1)
    assert holder.holds_none()
    assert standby.holds()


def _unlink(node: LoadBalancer) -> None:
    (node.track / "fault").unlink()


def _remove_folder(node: LoadBalancer) -> None:
    shutil.rmtree(node.track)


def _write_garbage(node: LoadBalancer) -> None:
    node.push("fault", "garbage\n")


def _write_nothing(node: LoadBalancer) -> None:
    node.push("fault", "")


FAILS_OPEN = [_unlink, _write_garbage, _write_nothing]


@pytest.mark.parametrize("spoil", FAILS_OPEN)
def test_a_lost_track_file_fails_open(running: Pair, spoil: Callable[[LoadBalancer], None]) -> None:
    """What the track file cannot do: keepalived 2.2.7 reads all of these as 0, and so ends a fault."""
    holder, standby = running
    holder.push("fault", "1\n")
    moved(holder, standby)
    spoil(holder)
    moved(standby, holder)


@pytest.mark.parametrize("spoil", [*FAILS_OPEN, _remove_folder])
def test_the_check_fails_closed_when_the_track_file_is_lost(
    running: Pair, spoil: Callable[[LoadBalancer], None]
) -> None:
    """The reason why there are both: whatever becomes of the file, the dead-man's switch still decides."""
    holder, standby = running
    spoil(holder)
    holder.script.write_text(FAILS)
    moved(holder, standby)
    assert holder.logged("VRRP_Script(halbd_check) failed") == 1
