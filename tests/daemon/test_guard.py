"""Nothing stale stays, and a keepalived that hangs is ended: a node with its daemon, and another one on its wire."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from halbd.model.config import Proxy
from halbd.system import process
from halbd.system.programs import proxy_binary
from tests.daemon.neighbour import neighbour
from tests.daemon.node import VIP, Node
from tests.keepalived.pair import LoadBalancer
from tests.render.netns import add_address, link, run, wait_until

pytestmark = pytest.mark.root


@pytest.fixture
def master(bare: Node) -> Iterator[LoadBalancer]:
    """The other one, preferred; `bare` is its standby and well."""
    vips = [{"address": VIP, "prefer": "lb2"}]
    with neighbour(bare, vips=vips) as other:
        other.start()
        wait_until(other.holds, "the other one as master")
        bare.write(vips=vips)
        bare.start_servers()
        bare.start()
        bare.until(lambda: "Entering BACKUP STATE" in bare.log.read_text(), "a standby")
        bare.until(lambda: bool(bare.status.get("healthy")) and bool(adverts(bare)), "one that hears its master")
        yield other


def keepalived(node: Node) -> list[int]:
    """Its two processes, the parent first. Below them there is a run of halbd-check each second, which soon ends."""
    return [node.status["keepalived"]["pid"], int((node.paths.runtime / "vrrp.pid").read_text())]


def adverts(node: Node) -> list[tuple[str, int]]:
    """Who is heard, with which priority."""
    return [(one["node"], one["priority"]) for one in node.status["keepalived"]["adverts"]]


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def causes(node: Node) -> list[str]:
    """Of every transition so far."""
    return [one["cause"] for one in node.status["transitions"]]


def settled(node: Node, other: LoadBalancer) -> None:
    """The preferred node holds the VIP, and nobody else."""
    node.until_master()
    wait_until(other.holds_none, "the other one without the VIP")


def test_a_vip_that_somebody_deleted_is_back_and_the_history_says_so(bare: Node, standby: LoadBalancer) -> None:
    run("ip", "-n", bare.place, "addr", "del", f"{VIP}/32", "dev", "eth0")
    bare.until(lambda: len(causes(bare)) >= 3, "its way and its return")
    settled(bare, standby)
    assert causes(bare)[1] == "removed by somebody else than keepalived"
    assert bare.status["transitions"][1]["interface"] == "eth0"


@pytest.mark.parametrize("prefix_length", [32, 24])
def test_a_vip_that_somebody_added_to_the_standby_is_removed(
    bare: Node, master: LoadBalancer, prefix_length: int
) -> None:
    pid = bare.status["keepalived"]["pid"]
    assert adverts(bare) == [("lb2", 254)]
    add_address(bare.place, "eth0", f"{VIP}/{prefix_length}")
    bare.until(lambda: len(causes(bare)) == 2, "its arrival and its end")
    assert not bare.holds_vip
    assert master.holds()
    assert causes(bare)[0].startswith("added by somebody else")
    assert causes(bare)[1] == (
        "stale, removed by halbd: lb2 (priority 254) advertises it, and keepalived here does not"
    )
    assert bare.status["keepalived"]["pid"] == pid


def test_a_vip_that_somebody_added_elsewhere_on_the_standby_is_removed(bare: Node, master: LoadBalancer) -> None:
    """The kernel answers ARP for it on every interface (arp_ignore in ip-sysctl)."""
    add_address(bare.place, "lo", f"{VIP}/32")
    bare.until(lambda: len(causes(bare)) == 2, "its arrival and its end")
    assert not bare.holds_vip
    assert master.holds()
    assert causes(bare) == [
        "added by somebody else than keepalived",
        "stale, removed by halbd: lb2 (priority 254) advertises it, and keepalived here does not",
    ]
    assert {one["interface"] for one in bare.status["transitions"]} == {"lo"}
    assert not any(one["held"] for one in bare.status["vips"])


def test_on_the_holder_it_is_removed_too_and_no_connection_suffers(bare: Node, standby: LoadBalancer) -> None:
    watch = bare.run_in(
        sys.executable,
        "-c",
        f"import socket; s = socket.create_connection(('{VIP}', 6443)); print('open', flush=True); s.recv(1)",
    )
    bare.until(lambda: "open\n" in bare.log.read_text(), "a connection")
    add_address(bare.place, "lo", f"{VIP}/32")
    bare.until(lambda: len(causes(bare)) == 3, "its arrival and its end")
    assert causes(bare)[2] == "stale, removed by halbd: keepalived has it on eth0, where it belongs"
    assert bare.holds_vip
    assert standby.holds_none()
    assert watch.poll() is None
    assert not bare.lines("connections.ended")


def test_one_that_came_while_no_daemon_was_there_is_found(bare: Node, master: LoadBalancer) -> None:
    bare.daemon.kill()
    bare.daemon.wait()
    add_address(bare.place, "lo", f"{VIP}/32")
    bare.start()
    bare.until(lambda: bool(bare.status) and len(causes(bare)) == 2, "its arrival and its end")
    assert not bare.holds_vip
    assert causes(bare)[0] == "found when halbd started"
    assert master.holds()


@pytest.mark.parametrize("which", [slice(None), slice(0, 1), slice(1, 2)], ids=["both", "parent", "child"])
def test_a_keepalived_that_is_stopped_is_ended_and_leaves_no_second_holder(
    bare: Node, standby: LoadBalancer, which: slice
) -> None:
    before = keepalived(bare)
    send(before[which], signal.SIGSTOP)
    bare.until(lambda: bool(bare.lines("keepalived.hung")), "a keepalived that hangs, noticed")
    bare.until(lambda: bare.status["keepalived"]["pid"] not in (None, *before), "another keepalived")
    settled(bare, standby)
    assert not {pid for pid in before if process.identity(pid)}
    assert bare.status["keepalived"]["hung"] is None


def test_what_a_keepalived_that_cannot_be_started_again_has_left_is_removed(bare: Node, standby: LoadBalancer) -> None:
    """Its pid file names one that runs, so that the next one is refused; and then the file is removed."""
    other = (bare.folder / "neighbour" / "pid").read_text()
    os.killpg(keepalived(bare)[0], signal.SIGKILL)  # at once: its child would take the VIP along
    bare.keepalived_pid_file.write_text(other)
    bare.until(lambda: standby.holds() and not bare.holds_vip, "one holder, the other one")
    bare.until(lambda: len(causes(bare)) == 2, "the daemon's knowledge of it")
    assert causes(bare)[-1].startswith("stale, removed by halbd: lb2")
    bare.keepalived_pid_file.unlink()
    settled(bare, standby)


def test_a_holder_that_hears_nobody_serves_on_without_keepalived(bare: Node) -> None:
    bare.start_servers()
    bare.start()
    bare.until_master()
    bare.end_keepalived()
    assert bare.holds_vip
    assert len(causes(bare)) == 1


def test_a_stop_takes_along_what_a_keepalived_that_cannot_be_started_again_has_left(bare: Node) -> None:
    """No peer is there either."""
    bare.start_servers()
    bare.start()
    bare.until_master()
    bare.end_keepalived()
    bare.daemon.send_signal(signal.SIGTERM)
    assert bare.daemon.wait(20) == 0
    assert not bare.holds_vip


def test_a_vip_that_a_stopped_keepalived_keeps_on_an_unfit_node_is_removed(bare: Node) -> None:
    binary = bare.folder / "proxy"
    binary.symlink_to(proxy_binary(Proxy(kind=bare.kind)))
    bare.write(proxy={"binary": str(binary)})
    bare.start_servers()
    bare.start()
    bare.until_master()
    send(keepalived(bare), signal.SIGSTOP)
    binary.unlink()
    os.killpg(bare.proxy["pid"], signal.SIGKILL)
    bare.until(lambda: bool(bare.lines("vip.lost")), "the VIP gone")
    assert bare.causes == ["proxy_dead"]
    assert bare.lines("keepalived.hung")


def test_a_keepalived_that_lost_its_sockets_with_the_interface_is_started_again(bare: Node) -> None:
    bare.start_servers()
    bare.start()
    bare.until_master()
    before = keepalived(bare)
    run("ip", "-n", bare.place, "link", "del", "eth0")
    bare.until(lambda: bare.status["role"] != "master", "the VIP gone")
    assert causes(bare)[-1] == "eth0 went down"
    link((bare.place, "eth0"), (bare.place, "peer0"))
    add_address(bare.place, "eth0", "10.99.0.1/24")
    bare.until_master()
    assert bare.status["keepalived"]["pid"] not in before


def test_a_keepalived_that_stays_at_fault_though_the_daemon_says_yes_is_told(bare: Node) -> None:
    """Its script cannot get through to the daemon."""
    bare.start_servers()
    bare.start()
    bare.until_master()
    bare.paths.runtime.chmod(0o700)
    bare.until(lambda: not bare.holds_vip, "the VIP gone")
    wait_until(lambda: bool(bare.status["keepalived"]["silent"]), "a VIP that nobody holds, noticed", 50)
    assert bare.status["healthy"]
    assert [line["vip"] for line in bare.lines("vip.nobody")] == [VIP]
    bare.paths.runtime.chmod(0o755)
    bare.until_master()
    bare.until(lambda: bare.status["keepalived"]["silent"] is None, "nothing wrong any more")


def test_a_daemon_that_was_stopped_takes_nothing_away_on_waking(bare: Node, standby: LoadBalancer) -> None:
    """Meanwhile the other one was master, again and again, and said so; the last word is that this one is."""
    before = keepalived(bare)
    bare.daemon.send_signal(signal.SIGSTOP)
    for _ in range(4):
        send(before, signal.SIGSTOP)
        wait_until(standby.holds, "the other one as master")
        send(before, signal.SIGCONT)
        wait_until(lambda: bare.holds_vip and standby.holds_none(), "this one as master")
    bare.daemon.send_signal(signal.SIGCONT)
    bare.until(lambda: ("lb1", 254) in adverts(bare), "its own adverts heard")
    settled(bare, standby)
    assert not bare.lines("vip.stale")
    assert not bare.lines("keepalived.hung")
    assert keepalived(bare)[0] == before[0]
