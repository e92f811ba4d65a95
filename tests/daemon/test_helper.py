"""A daemon that has a helper for what takes privileges, and gets no answer."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from halbd.daemon.owner import read_clocks
from halbd.daemon.porter import Porter
from halbd.model.child import Child, Phase
from halbd.model.effects import LetIn, ShutDoor
from halbd.model.events import DoorSeen, Event
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.system.helper.ask import SOCKET
from halbd.system.process import Identity, identity
from tests.daemon.node import Node
from tests.render.netns import inside, run
from tests.sample import config
from tests.system.helped import asked, helper
from tests.system.within import within

pytestmark = pytest.mark.root


def hears(node: Node) -> bool:
    """There is a socket for all protocols in the namespace (packet(7)); keepalived has none."""
    rows = run(*inside(node.place, "cat", "/proc/net/packet")).splitlines()[1:]
    return any(row.split()[3] == "0003" for row in rows)


def test_one_that_hangs_takes_no_vip_away_and_the_next_one_is_asked(
    bare: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bare.folder / "helper"
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(path))
        hung.listen(1000)
        bare.start_servers()
        bare.start(before=("env", f"{SOCKET}={path}"))
        bare.until_master()
        bare.until(lambda: len(bare.lines("keepalived.not_looked_into")) > 0, "it is said")
        bare.until(lambda: "does not answer" in (bare.status.get("helper") or {}).get("why", ""), "status has it")
        assert not hears(bare)
        # The one follows the other at once and runs by then, or the daemon would have more than one reason.
        with helper(*inside(bare.place)) as (_, real), asked(monkeypatch, real):
            _point(path, real)
            bare.until(lambda: hears(bare), "adverts are heard")
            bare.until(lambda: bare.status["helper"] is None, "status has it no more")
    for event in ("adverts.not_heard", "keepalived.not_looked_into"):
        whys = [line["why"] for line in bare.lines(event)]
        assert len(set(whys)) == len(whys), "each is said once"
    assert [one["change"] for one in bare.status["transitions"]] == ["gained"]
    assert bare.causes == []


def test_without_one_a_daemon_takes_up_its_proxy_and_its_file(bare: Node) -> None:
    """Nobody can say that it is our own proxy that listens there."""
    nobody = ("env", f"{SOCKET}={bare.folder / 'nobody'}")
    bare.start_servers()
    bare.start(before=nobody)
    bare.until_master()
    proxy = bare.proxy["pid"]
    bare.daemon.kill()
    bare.daemon.wait()
    bare.start(before=nobody)
    bare.until_master()
    assert (bare.proxy["pid"], bare.status["config"]["rejected"]) == (proxy, None)


def test_a_reload_says_that_it_does_not_see_whether_the_program_was_replaced(bare: Node) -> None:
    bare.start_servers()
    bare.start(before=("env", f"{SOCKET}={bare.folder / 'nobody'}"))
    bare.until_master()
    answer = bare.reload()
    assert answer.body["result"] == "unchanged"
    (warning,) = answer.body["warnings"]
    assert "newer haproxy on disk" in warning
    assert "halbd-helper.service does not answer" in warning


def test_a_door_that_a_killed_daemon_left_shut_is_a_fault_until_a_helper_opens_it(bare: Node) -> None:
    """The node's own probes find all well: they come through the loopback."""
    path = bare.folder / "helper"
    bare.start_servers()
    bare.start()
    bare.until_master()
    proxy = bare.proxy["pid"]
    bare.daemon.kill()
    bare.daemon.wait()
    _leave_shut(bare, proxy)
    bare.start(before=("env", f"{SOCKET}={path}"))
    bare.until(lambda: bare.causes == ["vip_unserved"] and bare.fault == "1" and not bare.holds_vip, "it is a fault")
    assert [line["shut"] for line in bare.lines("connections.not_let_in")] == [True]
    with helper(*inside(bare.place)) as (_, real):
        _point(path, real)
        bare.until_master()
    assert bare.proxy["pid"] == proxy
    assert not bare.paths.door_note.exists()


def test_a_door_that_may_be_shut_is_not_shut_again_and_so_not_said_to_be_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a drain that a new daemon goes on with: its window may come before the helper's first answer."""
    monkeypatch.setenv(SOCKET, str(tmp_path / "nobody"))
    paths, posted = Paths(tmp_path, tmp_path, tmp_path), list[Event]()

    async def take_up(state: State) -> None:
        porter = Porter(paths, posted.append, asyncio.create_task)
        for effect in (LetIn(), ShutDoor(), LetIn()):
            porter.perform(effect, state)

    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as proxy:
        who = identity(proxy.pid)
        assert who
        noted = json.dumps(asdict(who))
        paths.door_note.write_text(noted)
        asyncio.run(take_up(_running(who)))
        proxy.kill()
    assert [type(event) is DoorSeen and event.why != "" for event in posted] == [True, True]
    assert paths.door_note.read_text() == noted


def _running(proxy: Identity) -> State:
    return State(config(), read_clocks(), proxy=Child(Phase.RUNNING, proxy.pid, proxy.start_ticks))


def _leave_shut(node: Node, proxy: int) -> None:
    """As a daemon does that ends then: it lets go of its copies of the sockets."""
    who = identity(proxy)
    assert who
    porter = Porter(node.paths, lambda _: None, asyncio.create_task)
    within(node.place, lambda: porter.perform(ShutDoor(), _running(who)))
    assert node.paths.door_note.exists()


def _point(path: Path, real: Path) -> None:
    aside = path.with_name("aside")
    aside.symlink_to(real)
    aside.rename(path)
