"""A proxy or a keepalived that dies or hangs, and servers that are gone."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from halbd.system import process
from tests.daemon.conftest import both, program
from tests.daemon.node import PORT, VIP, Node, frontend
from tests.system.within import within

pytestmark = pytest.mark.root


def losses(node: Node) -> list[str]:
    """Why the VIP was lost, each time."""
    return [line["cause"] for line in node.lines("vip.lost")]


def kill(*leaders: int) -> None:
    """Each with its whole group at once: a parent that is left for a moment would start another child."""
    for leader in leaders:
        os.killpg(leader, signal.SIGKILL)


@both
def test_a_dead_proxy_costs_the_vip_and_is_restarted(bare: Node, binary: Path) -> None:
    """Its program is away for a while, so that it stays dead for longer than its first restart."""
    proxy = bare.proxy
    binary.unlink()
    os.killpg(proxy["pid"], signal.SIGKILL)
    bare.until(lambda: bare.fault == "1" and not bare.holds_vip, "the verdict pushed, the VIP gone")
    bare.until(lambda: bare.causes == ["proxy_dead"] and bare.proxy["restarts"] >= 2, "restarts that fail")
    assert bare.check().returncode == 1
    assert bare.status["role"] == "fault"
    assert "no executable program is there" in bare.proxy["last_exit"]
    binary.symlink_to(program(bare))
    bare.until_master()
    assert bare.fault == "0"
    assert bare.proxy["pid"] != proxy["pid"]
    assert losses(bare) == ["proxy_dead"]
    first, *later = bare.lines("proxy.exited")
    assert first["how"].startswith("killed by SIGKILL")
    assert 0.15 <= first["restart_in_s"] <= 0.2 < later[-1]["restart_in_s"]  # each wait is longer than the one before


@both
def test_a_proxy_that_cannot_listen_is_tried_again(bare: Node, binary: Path) -> None:
    """Envoy would run on without its port for ever."""
    binary.unlink()
    os.killpg(bare.proxy["pid"], signal.SIGKILL)
    bare.until(lambda: bare.proxy["running"] is False, "no proxy")
    # It accepts nothing: halbd asks at that port all the time.
    script = (
        f"import signal, socket; s = socket.create_server(('', {PORT})); print('listening', flush=True); signal.pause()"
    )
    holder = bare.run_in("/usr/bin/python3", "-c", script)
    bare.until(lambda: bare.log.read_text().count("listening\n") == 2, "its port held; the servers were the first")
    binary.symlink_to(program(bare))
    bare.until(lambda: "bind" in bare.proxy["last_exit"], "a proxy that found its port held")
    holder.kill()
    bare.until_master()


@both
def test_a_proxy_that_dies_and_comes_back_at_once_is_still_one_transition_each_way(node: Node) -> None:
    os.killpg(node.proxy["pid"], signal.SIGKILL)
    node.until(lambda: node.proxy.get("restarts") == 1, "its restart")
    node.until_master()
    changes = [(one["change"], one["role_after"]) for one in node.status["transitions"]]
    assert changes == [("gained", "master"), ("lost", "fault"), ("gained", "master")]


def test_a_worker_that_dies_is_a_proxy_that_dies(node: Node) -> None:
    """HAProxy's master leaves with it (exit-on-failure), and takes the other workers along."""
    pid = node.proxy["pid"]
    (worker,) = process.family(pid) - {pid}
    os.kill(worker, signal.SIGKILL)
    node.until(lambda: node.proxy.get("restarts") == 1, "a new proxy")
    node.until_master()
    assert node.proxy["last_exit"].startswith("exited with code 137")
    assert losses(node) == ["proxy_dead"]


@both
def test_a_hung_proxy_costs_the_vip_until_it_goes_on(node: Node) -> None:
    pid = node.proxy["pid"]
    os.killpg(pid, signal.SIGSTOP)
    node.until(lambda: node.causes == ["proxy_hung"] and not node.holds_vip, "the verdict proxy_hung, and the VIP gone")
    assert node.fault == "1"
    assert node.check().returncode == 1
    os.killpg(pid, signal.SIGCONT)
    node.until_master()
    assert (node.proxy["pid"], node.proxy["restarts"]) == (pid, 0)
    assert losses(node) == ["proxy_hung"]


def test_a_keepalived_that_dies_is_started_again(node: Node) -> None:
    before = node.status["keepalived"]["pid"]
    kill(before)
    node.until(lambda: node.status["keepalived"]["pid"] not in (None, before), "another keepalived")
    node.until_master()
    assert len(node.lines("keepalived.exited")) == 1


def test_a_keepalived_that_was_killed_leaves_no_stale_vip(bare: Node, binary: Path) -> None:
    """The node is no longer fit when the next one starts, and that one removes the VIP."""
    binary.unlink()
    kill(bare.status["keepalived"]["pid"], bare.proxy["pid"])
    bare.until(lambda: bool(bare.lines("keepalived.exited")) and not bare.holds_vip, "the stale VIP removed")
    bare.until(lambda: bare.status["role"] == "fault", "the daemon's knowledge of it")


@both
def test_a_server_that_hangs_takes_its_connections_along(bare: Node) -> None:
    """A watch on it would wait until its client gives up; ended, the client opens a new one."""
    servers = bare.start_servers()
    bare.write(frontends=[frontend(timeouts={"connect": 0.5})])
    bare.start()
    bare.until_master()
    with within(bare.place, lambda: socket.create_connection((VIP, PORT), 20)) as watch:
        bare.until(lambda: 1 in [s["connections"] for s in bare.status["frontends"][0]["servers"]], "its connection")
        servers.send_signal(signal.SIGSTOP)
        assert watch.recv(1) == b""
    bare.until(lambda: bool(bare.lines("proxy.connections_cut")), "the log line")
    assert bare.proxy["restarts"] == 0


@both
def test_an_outage_of_all_servers_does_not_move_the_vip(node: Node) -> None:
    """A move cannot cure it; the node says why it is not well."""
    node.broken.touch()
    node.until(lambda: node.causes == ["no_servers"], "the outage noticed")
    level = node.paths.track_folder / "no_servers.lb1"
    node.until(lambda: level.read_text() == "1\n", "the holder's lowered priority")
    assert node.check().returncode == 0
    node.broken.unlink()
    node.until(lambda: level.read_text() == "0\n" and not node.causes, "the end of the outage noticed")
    assert len(node.status["transitions"]) == 1
    assert node.holds_vip
