"""A real HAProxy in master-worker mode, as its account, asked and reloaded through its sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from halbd.model.config import Config, Proxy
from halbd.model.errors import FailedError
from halbd.model.evidence import ProxyView, ServerState
from halbd.model.files import File, FileSet
from halbd.model.paths import Paths
from halbd.render.render import render
from halbd.system import generations, haproxy, process
from halbd.system.generations import Source
from halbd.system.programs import find, proxy_account
from halbd.system.surroundings import surroundings
from tests.render.netns import wait_until
from tests.render.stand_in import free_port
from tests.sample import config as sample

pytestmark = pytest.mark.root


def frontend(port: int, *servers: int, name: str = "api") -> dict[str, Any]:
    check = {"scheme": "tcp", "interval": 0.1, "timeout": 0.1, "rise": 1, "fall": 1}
    places = [f"127.0.0.1:{server}" for server in servers]
    return {"name": name, "bind": "127.0.0.1", "port": port, "max_connections": 50, "servers": places, "check": check}


def config(*frontends: dict[str, Any]) -> Config:
    return sample(frontends=list(frontends))


def install(paths: Paths, one: Config, extra: str = "") -> None:
    """Put haproxy.cfg in force, with `extra` at its end."""
    text = render(one, surroundings(paths)).text("haproxy.cfg") + extra
    files = FileSet((File("haproxy.cfg", text),))
    generations.commit(paths, generations.stage(paths, files, Source(text.encode(), {})), files)


class Running:
    """The master, and what its sockets say."""

    def __init__(self, paths: Paths, master: subprocess.Popen[bytes]) -> None:
        self.paths = paths
        self.master = master

    def view(self) -> ProxyView:
        return asyncio.run(haproxy.view(self.paths, 5))

    def states(self) -> dict[str, ServerState]:
        return {server.name: server.state for one in self.view().frontends for server in one.servers}

    def workers(self) -> frozenset[int]:
        return process.family(self.master.pid) - {self.master.pid}

    def reload(self) -> None:
        asyncio.run(haproxy.reload(self.paths))

    def answers(self) -> bool:
        """The worker and the master do: the master executes itself once more when its worker is there."""
        try:
            return bool(self.view() and asyncio.run(haproxy.ask(self.paths.master_socket, "show proc", 0.3)))
        except OSError:
            return False


@contextmanager
def running(paths: Paths, one: Config) -> Iterator[Running]:
    install(paths, one)
    user = proxy_account(one.proxy)
    os.chown(paths.proxy_folder, user.pw_uid, user.pw_gid)
    with (paths.runtime / "log").open("wb") as log:
        master = process.spawn(
            haproxy.command(find("haproxy"), paths, user), {"PATH": os.environ["PATH"]}, log.fileno()
        )
    proxy = Running(paths, master)
    try:
        wait_until(lambda: proxy.answers() or master.poll() is not None, "its admin socket")
        assert master.poll() is None, (paths.runtime / "log").read_text()
        yield proxy
    finally:
        if who := process.identity(master.pid):
            process.send(who, signal.SIGKILL)
        master.wait(10)


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port that refuses."""
    return free_port()


@pytest.fixture
def port() -> int:
    """The frontend's."""
    return free_port()


@pytest.fixture
def proxy(paths: Paths, port: int, server: int, closed: int) -> Iterator[Running]:
    """One server is up, one is down."""
    with running(paths, config(frontend(port, server, closed))) as one:
        wait_until(lambda: set(one.states().values()) == {ServerState.UP, ServerState.DOWN}, "both checks")
        yield one


def test_its_version_is_the_programs_own_word(proxy: Running) -> None:
    """Also by way of the master, where somebody has removed the worker's socket."""
    assert haproxy.version(find("haproxy")).startswith("2.")
    assert proxy.view().version == haproxy.version(find("haproxy"))
    proxy.paths.admin_socket.unlink()
    assert proxy.view().version == haproxy.version(find("haproxy"))


def test_it_runs_without_privileges(proxy: Running) -> None:
    """The master too: setpriv(1) gives its PID on, so the one that was started is the master."""
    user = proxy_account(Proxy())
    for pid in process.family(proxy.master.pid):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        assert status["Uid"] == [str(user.pw_uid)] * 4
        assert status["NoNewPrivs"] == ["1"]
        assert int(status["CapEff"][0], 16) == 0


def test_each_server_is_seen_with_its_own_check(proxy: Running, server: int, closed: int) -> None:
    states = proxy.states()
    assert states == {f"127.0.0.1:{server}": ServerState.UP, f"127.0.0.1:{closed}": ServerState.DOWN}
    assert {one.check for one in proxy.view().frontends[0].servers} == {"L4OK", "L4CON"}


def test_the_master_ends_its_answer(proxy: Running) -> None:
    """It keeps the connection for more questions, unless it is told that there are none."""
    text = asyncio.run(haproxy.ask(proxy.paths.master_socket, "show proc", 5))
    assert "# workers" in text


def test_nobody_listening_is_an_oserror(paths: Paths) -> None:
    with pytest.raises(OSError, match="No such file"):
        asyncio.run(haproxy.view(paths, 1))


def test_no_answer_is_a_timeout(proxy: Running) -> None:
    for pid in proxy.workers():
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        asyncio.run(haproxy.view(proxy.paths, 0.2))


def test_half_an_answer_is_none(paths: Paths) -> None:
    """The proxy died while it spoke."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"# pxname,svname,qcur\napi,a")
        writer.close()

    async def ask() -> None:
        async with await asyncio.start_unix_server(die, paths.admin_socket):
            await haproxy.view(paths, 5)

    with pytest.raises(OSError, match="not whole"):
        asyncio.run(ask())


def test_a_reload_starts_a_new_worker_under_the_same_master(proxy: Running, port: int, server: int) -> None:
    before, master = proxy.workers(), process.identity(proxy.master.pid)
    install(proxy.paths, config(frontend(port, server)))
    proxy.reload()
    assert process.identity(proxy.master.pid) == master
    assert proxy.workers() - before
    wait_until(lambda: list(proxy.states()) == [f"127.0.0.1:{server}"], "the new servers")


def test_a_server_that_is_down_stays_down_across_a_reload(proxy: Running, port: int, server: int, closed: int) -> None:
    """Without the state file HAProxy would take it for up until its first check."""
    slow = frontend(port, server, closed)
    slow["check"] = slow["check"] | {"interval": 1.0, "rise": 3}
    install(proxy.paths, config(slow))
    before = proxy.workers()
    proxy.reload()
    wait_until(lambda: not before & proxy.workers() or proxy.answers(), "the new worker's admin socket")
    assert proxy.states()[f"127.0.0.1:{closed}"] is ServerState.DOWN


def places(proxy: Running) -> dict[str, tuple[int, int]]:
    """Port and weight of each server, as the worker has them."""
    text = asyncio.run(haproxy.ask(proxy.paths.admin_socket, "show servers state", 5))
    rows = (line.split() for line in text.splitlines() if line[:1].isdigit() and " " in line)
    return {row[3]: (int(row[18]), int(row[7])) for row in rows}


def named(port: int, **servers: tuple[int, int]) -> Config:
    """One frontend, its servers by name with port and weight."""
    one = frontend(port)
    one["servers"] = [
        {"name": name, "address": "127.0.0.1", "port": number, "weight": weight}
        for name, (number, weight) in servers.items()
    ]
    return config(one)


@pytest.mark.parametrize("by", ["socket", "signal"])
def test_after_a_reload_port_and_weight_are_those_of_the_file(
    paths: Paths, port: int, server: int, closed: int, by: str
) -> None:
    """By its state file alone HAProxy would keep the old port, and the weight that somebody had set over the socket."""
    with (
        socket.create_server(("127.0.0.1", 0)) as right,
        running(paths, named(port, moved=(closed, 10), light=(server, 10))) as proxy,
    ):
        wait_until(lambda: proxy.states()["moved"] is ServerState.DOWN, "its check")
        asyncio.run(haproxy.command_all(paths, ["set server api/light weight 0"]))
        number, before = right.getsockname()[1], proxy.workers()
        install(paths, named(port, moved=(number, 10), light=(server, 10)))
        if by == "socket":
            proxy.reload()
        else:
            paths.master_socket.unlink()
            asyncio.run(haproxy.reload_by_signal(paths, proxy.master.pid))
        wait_until(lambda: bool(proxy.workers() - before) and proxy.answers(), "the new worker")
        assert places(proxy) == {"moved": (number, 10), "light": (server, 10)}
        wait_until(lambda: proxy.states()["moved"] is ServerState.UP, "a check of the right port")


@pytest.mark.parametrize("case", ["bad file", "port taken"])
def test_a_failed_reload_is_told_and_the_old_worker_serves_on(
    proxy: Running, port: int, server: int, case: str
) -> None:
    """And once the cause is gone the next reload works: a failure is not remembered against it."""
    before = proxy.workers()
    with ExitStack() as held:
        if case == "port taken":
            taken = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            install(proxy.paths, config(frontend(port, server), frontend(taken, server, name="second")))
        else:
            install(proxy.paths, config(frontend(port, server)), extra="frontend bad\n    mode pigeon\n")
        with pytest.raises(FailedError, match=r"^cannot reload haproxy: .*the old one serves on$"):
            proxy.reload()
    assert proxy.workers() == before
    with socket.create_connection(("127.0.0.1", port), 10):
        pass
    install(proxy.paths, config(frontend(port, server)))
    proxy.reload()
    assert proxy.workers() - before


def test_a_master_that_is_gone_cannot_be_reloaded(proxy: Running) -> None:
    proxy.master.kill()
    proxy.master.wait(10)
    with pytest.raises(FailedError, match=r"^cannot reload haproxy: "):
        proxy.reload()


def test_connections_that_are_stuck_on_a_server_can_be_cut(paths: Paths, port: int) -> None:
    """A server that hangs keeps its connections; its check, and not its kernel, knows that nobody is there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        with running(paths, config(frontend(port, number))) as proxy:
            wait_until(lambda: set(proxy.states().values()) == {ServerState.UP}, "its check")
            with socket.create_connection(("127.0.0.1", port), 10) as client:
                client.settimeout(10)
                listener.close()
                wait_until(lambda: set(proxy.states().values()) == {ServerState.DOWN}, "its fall")
                asyncio.run(haproxy.cut_connections(proxy.paths, "api", f"127.0.0.1:{number}"))
                assert client.recv(1) == b""
