"""Somebody removes, fills or write-protects what halbd keeps on disk, while everything runs: the node serves on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from halbd.lab.certs import Authority
from halbd.lab.faults.removing import remove
from halbd.model.config import ProxyKind
from halbd.system import files
from tests.daemon.conftest import both, fresh_name
from tests.daemon.node import SERVER_PORT, SERVERS, Node, bare_node, frontend
from tests.render.netns import run

pytestmark = [pytest.mark.root, both]


@pytest.fixture
def still(node: Node) -> Iterator[Node]:
    """The same keepalived afterwards, no transition, and nothing that speaks against the node.

    The same proxy, too, or another one that it was handed over to.
    """
    before = (node.proxy["pid"], node.status["keepalived"]["pid"])
    yield node
    node.until_master()
    assert (
        node.proxy["pid"] if node.kind is ProxyKind.HAPROXY else before[0],
        node.status["keepalived"]["pid"],
    ) == before
    assert node.proxy["restarts"] == 0
    assert [one["change"] for one in node.status["transitions"]] == ["gained"]
    node.until(lambda: node.check().stdout == "may hold the VIP: the daemon says so\n", "the daemon's own answer")


def whole(folder: Path) -> None:
    """The folder itself. In one step: the daemon puts things back while they are removed."""
    remove(folder)


def content(folder: Path) -> None:
    """All that is in it."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            remove(path)
        else:
            path.unlink(missing_ok=True)


def said(node: Node) -> int:
    """How often keepalived has read its config."""
    return sum("Reload complete" in line["line"] for line in node.lines("keepalived.says"))


@pytest.mark.parametrize("away", [whole, content])
def test_a_runtime_folder_that_is_removed_comes_back(still: Node, away: Callable[[Path], None]) -> None:
    node, paths = still, still.paths
    names = {path.name for path in paths.runtime.rglob("*")}
    away(paths.runtime)
    node.until(lambda: node.status.get("role") == "master", "an answer")
    node.until(lambda: said(node) == 1, "keepalived's new watch on its track_files")
    # What the programs put there for themselves, and a name of a FIFO that is open, are not missed.
    own = {"keepalived.pid", "vrrp.pid", "proxy.fifo", "keepalived.fifo", "servers.state", "admin.sock"}
    node.until(lambda: {path.name for path in paths.runtime.rglob("*")} >= names - own, "its content")
    assert node.start().wait(30) == 1  # a second daemon is still refused
    assert node.lines("halbd.failed")[-1]["why"].startswith("cannot start: another halbd runs")


def test_after_a_removed_runtime_folder_a_verdict_still_reaches_keepalived(node: Node) -> None:
    whole(node.paths.runtime)
    node.until(lambda: said(node) == 1, "keepalived's new watch on its track_files")
    pid = node.proxy["pid"]
    os.killpg(pid, signal.SIGSTOP)
    node.until(lambda: not node.holds_vip, "the VIP gone")
    os.killpg(pid, signal.SIGCONT)
    node.until_master()


def test_a_daemon_that_finds_the_track_files_made_anew_has_keepalived_watch_them(node: Node) -> None:
    """Systemd makes a runtime folder that was removed, and no daemon was there to see that it is another one."""
    node.daemon.kill()
    node.daemon.wait()
    whole(node.paths.track_folder)
    files.folder(node.paths.track_folder)
    node.start()
    node.until_master()
    node.until(lambda: said(node) == 1, "keepalived's new watch on its track_files")
    assert node.lines("keepalived.deaf")
    pid = node.proxy["pid"]
    os.killpg(pid, signal.SIGSTOP)  # a dead one would be back, and the fault over, within a moment
    node.until(lambda: not node.holds_vip, "the VIP gone")
    assert node.fault == "1"
    os.killpg(pid, signal.SIGCONT)
    node.until_master()


def test_after_a_removed_runtime_folder_the_proxy_is_asked_and_reloaded(node: Node, kind: ProxyKind) -> None:
    """HAProxy makes its sockets again; Envoy is asked through a link into the daemon, and makes room for another."""
    before = node.proxy["pid"]
    whole(node.paths.runtime)
    node.until(lambda: said(node) == 1, "keepalived's new watch on its track_files")
    if kind is ProxyKind.ENVOY:
        node.until(lambda: node.proxy.get("pid", before) != before, "another envoy")
        assert not node.paths.admin_socket.is_symlink()
    else:
        node.until(node.paths.master_socket.exists, "a socket of its master")
    takes_up(node)
    assert node.proxy["restarts"] == 0
    assert [one["change"] for one in node.status["transitions"]] == ["gained"]


def takes_up(node: Node, **keys: Any) -> None:
    """The servers are seen, and a reload is taken up."""
    node.until(lambda: {one["state"] for one in node.status["frontends"][0]["servers"]} == {"up"}, "both servers")
    node.write(frontends=[frontend(servers=[f"{SERVERS[0]}:{SERVER_PORT}"])], **keys)
    answer = node.reload()
    assert answer.status == 200, answer.body
    node.until(lambda: len(node.status["frontends"][0]["servers"]) == 1, "the new file")


@pytest.mark.parametrize("away", [whole, content])
def test_a_state_folder_that_is_removed_comes_back(node: Node, away: Callable[[Path], None]) -> None:
    """With the files of the generation in force, without which a proxy that dies could not be started again."""
    paths = node.paths
    node.until(lambda: node.kept == 1, "the gain on disk")
    generation, history = paths.current.readlink().name, paths.history.read_text()
    pid = node.proxy["pid"]
    away(paths.state)
    node.until(lambda: paths.good.exists() and paths.current.exists(), "the generation in force")
    assert paths.current.readlink().name == generation
    node.until(lambda: paths.history.exists() and paths.history.read_text() == history, "the history")
    assert node.status["role"] == "master"
    assert [one["change"] for one in node.status["transitions"]] == ["gained"]
    node.until(lambda: node.check().returncode == 0, "a check that passes")
    if node.kind is ProxyKind.ENVOY and away is whole:
        node.until(lambda: node.proxy["pid"] != pid, "another Envoy, which watches the new folder")
    else:
        assert node.proxy["pid"] == pid
    assert node.proxy["restarts"] == 0
    node.write(frontends=[frontend(servers=[f"{SERVERS[0]}:{SERVER_PORT}"])])
    assert node.reload().status == 200
    os.killpg(node.proxy["pid"], signal.SIGKILL)
    node.until(lambda: node.proxy.get("restarts") == 1, "its restart")
    node.until_master()


class Disk:
    """A node whose state folder is a disk of its own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.folder = node.paths.state

    def fill(self) -> None:
        history = self.node.paths.history
        with history.open("a") as lines:  # to the end of its last page, in which there would be room
            lines.write(" " * (-history.stat().st_size % os.sysconf("SC_PAGE_SIZE")))
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def mend(self) -> None:
        run("mount", "-o", "remount,rw", str(self.folder))
        (self.folder / "filler").unlink(missing_ok=True)

    def protect(self) -> None:
        run("mount", "-o", "remount,ro", str(self.folder))

    @property
    def unwritten(self) -> int:
        return int(self.node.status.get("history", {}).get("unwritten", -1))


@pytest.fixture
def disk(ca: Authority, kind: ProxyKind) -> Iterator[Disk]:
    with bare_node(fresh_name(), ca, kind) as node:
        node.paths.state.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=1m", "halbd-test", str(node.paths.state))
        try:
            node.start_servers()
            node.start()
            node.until_master()
            node.until(lambda: node.kept == 1, "the gain on disk")
            yield Disk(node)
        finally:
            node.kill_all()
            run("umount", "-l", str(node.paths.state))


@pytest.mark.parametrize(("hinder", "words"), [("fill", "No space left"), ("protect", "Read-only file system")])
def test_a_disk_that_takes_nothing(disk: Disk, hinder: str, words: str) -> None:
    node = disk.node
    getattr(disk, hinder)()
    written = node.paths.history.read_text()
    os.killpg(node.proxy["pid"], signal.SIGKILL)
    node.until(lambda: node.proxy.get("restarts") == 1 and disk.unwritten == 2, "two transitions counted")
    node.until_master()
    assert words in node.status["history"]["why"]
    assert node.paths.history.read_text() == written
    # What needs no disk is done, what needs it is refused, and neither breaks anything.
    assert node.reload().status == 200
    node.write(frontends=[frontend(servers=[f"{SERVERS[0]}:{SERVER_PORT}"])])
    answer = node.reload()
    assert answer.status == 409
    assert words in str(answer.body["error"])
    node.write()
    answer = node.ask("POST", "/upgrade")
    assert answer.status == 409
    assert "transitions would be lost" in str(answer.body["error"])
    assert node.holds_vip
    disk.mend()
    node.until(lambda: disk.unwritten == 0, "all of them written")
    assert len(node.paths.history.read_text().splitlines()) == 3
    assert node.status["history"] == {"unwritten": 0, "why": None}


@pytest.mark.parametrize("hinder", ["fill", "protect"])
def test_a_daemon_that_dies_starts_again_on_a_disk_that_takes_nothing(disk: Disk, hinder: str) -> None:
    """Or a full disk and a crash would be a node that nobody looks after."""
    node = disk.node
    getattr(disk, hinder)()
    before = node.proxy["pid"]
    node.daemon.kill()
    node.daemon.wait()
    node.start()
    node.until_master()
    assert node.proxy["pid"] == before
    assert node.status["config"]["rejected"] is None
    disk.mend()


def test_a_config_that_is_removed_is_missed_only_when_it_is_read(still: Node) -> None:
    still.paths.config_file.unlink()
    answer = still.reload()
    assert answer.status == 422
    assert "cannot read it" in str(answer.body["problems"])
    assert still.holds_vip
    still.write()
    assert still.reload().status == 200
