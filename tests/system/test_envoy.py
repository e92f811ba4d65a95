"""A real Envoy as its account, asked on its admin socket; and what anybody else may answer there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from halbd.model.config import Config, Proxy, ProxyKind
from halbd.model.evidence import ProxyView, ServerState
from halbd.model.files import FileSet
from halbd.model.paths import Paths
from halbd.render.envoy import versions
from halbd.render.render import render
from halbd.system import answers, envoy, generations, process
from halbd.system.generations import Source
from halbd.system.programs import proxy_account, proxy_binary
from halbd.system.surroundings import surroundings
from tests.render.netns import wait_until
from tests.render.stand_in import free_port
from tests.sample import config as sample

BINARY = proxy_binary(Proxy(kind=ProxyKind.ENVOY))


def frontend(port: int, *servers: dict[str, Any], name: str = "api") -> dict[str, Any]:
    check = {"scheme": "tcp", "interval": 0.1, "timeout": 0.1, "rise": 1, "fall": 1}
    return {
        "name": name,
        "bind": "127.0.0.1",
        "port": port,
        "max_connections": 50,
        "servers": list(servers),
        "check": check,
    }


def server(name: str, port: int, **more: Any) -> dict[str, Any]:
    """Each at an address of its own, all of them this host."""
    return {"name": name, "address": f"127.0.0.1{name[-1]}", "port": port} | more


def config(*frontends: dict[str, Any]) -> Config:
    return sample(frontends=list(frontends), proxy={"kind": "envoy"})


class Running:
    """The process, and what its socket says."""

    def __init__(self, paths: Paths, one: Config) -> None:
        self.paths = paths
        self.install(one)

    def install(self, one: Config) -> FileSet:
        """Put its files in force."""
        files = render(one, surroundings(self.paths))
        generations.commit(self.paths, generations.stage(self.paths, files, Source(b"", {})), files)
        return files

    def view(self) -> ProxyView:
        return asyncio.run(envoy.view(self.paths, 5))

    def states(self) -> dict[str, tuple[ServerState, str]]:
        return {s.name: (s.state, s.check) for f in self.view().frontends for s in f.servers}

    def in_force(self) -> dict[str, str]:
        return dict(asyncio.run(envoy.in_force(self.paths, 5)))

    def ready(self) -> bool:
        try:
            return asyncio.run(envoy.ready(self.paths, 5))
        except OSError:
            return False


@contextmanager
def running(paths: Paths, one: Config) -> Iterator[Running]:
    proxy, user = Running(paths, one), proxy_account(one.proxy)
    os.chown(paths.proxy_folder, user.pw_uid, user.pw_gid)
    log = paths.runtime / "log"
    with log.open("wb") as output:
        child = process.spawn(envoy.command(BINARY, paths, user), {"PATH": os.environ["PATH"]}, output.fileno())
    try:
        wait_until(lambda: proxy.ready() or child.poll() is not None, "it serves")
        assert child.poll() is None, log.read_text()
        yield proxy
    finally:
        if who := process.identity(child.pid):
            process.send(who, signal.SIGKILL)
        child.wait(10)


@pytest.fixture
def up() -> Iterator[int]:
    """The port of a server that accepts connections."""
    with socket.create_server(("0.0.0.0", 0)) as one:
        yield one.getsockname()[1]


@pytest.mark.root
def test_every_server_is_seen_with_its_state_and_address(paths: Paths, up: int) -> None:
    one = config(frontend(free_port(), server("s0", up), server("s1", free_port()), server("s2", up, weight=0)))
    with running(paths, one) as proxy:
        assert proxy.states() == {
            "s0": (ServerState.UP, "check passed"),
            "s1": (ServerState.DOWN, "check failed"),
            "s2": (ServerState.DRAIN, "check passed"),
        }
        assert proxy.view().frontends[0].servers[0].address == f"127.0.0.10:{up}"
        assert proxy.view().blind == ()


@pytest.mark.root
def test_connections_are_counted_whatever_the_frontend_is_called(paths: Paths, up: int) -> None:
    """`admin` is Envoy's own name for its admin socket, whose connections do not count."""
    port = free_port()
    with running(paths, config(frontend(port, server("s0", up), name="admin"))) as proxy:
        assert asyncio.run(envoy.connections(paths.admin_socket, 5)) == 0
        with socket.create_connection(("127.0.0.1", port)):
            wait_until(lambda: asyncio.run(envoy.connections(paths.admin_socket, 5)) > 0, "the connection")
            wait_until(lambda: proxy.view().frontends[0].servers[0].connections == 1, "it is the server's")
            assert proxy.view().frontends[0].servers[0].total == 1


@pytest.mark.root
def test_what_is_in_force_is_told_by_version(paths: Paths, up: int) -> None:
    port = free_port()
    one, two = config(frontend(port, server("s0", up))), config(frontend(port, server("s0", up), server("s1", up)))
    with running(paths, one) as proxy:
        assert versions(generations.installed(paths)).items() <= proxy.in_force().items()
        wanted = versions(proxy.install(two))
        wait_until(lambda: wanted.items() <= proxy.in_force().items(), "the new files in force")
        assert set(proxy.states()) == {"s0", "s1"}


@pytest.mark.root
def test_a_rejected_listener_is_counted_and_told_in_envoys_words(paths: Paths, up: int) -> None:
    port, taken = free_port(), socket.create_server(("127.0.0.1", 0))
    one = config(frontend(port, server("s0", up)))
    with taken, running(paths, one) as proxy:
        assert asyncio.run(envoy.rejections(paths, 5)) == 0
        proxy.install(config(frontend(taken.getsockname()[1], server("s0", up))))
        wait_until(lambda: asyncio.run(envoy.rejections(paths, 5)) == 1, "the rejection")
        assert "cannot bind" in asyncio.run(envoy.listener_errors(paths, 5))


@pytest.mark.root
def test_a_changed_cluster_that_does_not_serve_yet_is_counted(paths: Paths, up: int) -> None:
    """Its check waits for an answer that never comes: a full queue drops every SYN (tcp(7), listen(2))."""
    with socket.create_server(("0.0.0.0", 0), backlog=0) as silent, ExitStack() as fill:
        number = silent.getsockname()[1]
        one = frontend(free_port(), server("s0", up), server("s1", number))
        with running(paths, config(one)) as proxy:
            assert asyncio.run(envoy.warming(paths, 5)) == 0
            for _ in range(4):
                client = fill.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", number))
            wanted = versions(proxy.install(config(one | {"check": one["check"] | {"interval": 15, "timeout": 15}})))
            wait_until(lambda: asyncio.run(envoy.warming(paths, 5)) == 1, "it waits")
            assert wanted["cluster_manager.cds.version_text"] == proxy.in_force()["cluster_manager.cds.version_text"]
            proxy.install(config(one))
            wait_until(lambda: asyncio.run(envoy.warming(paths, 5)) == 0, "it is taken back")


@pytest.mark.root
def test_a_low_port_is_bound_without_root(paths: Paths, up: int) -> None:
    one = config(frontend(1023, server("s0", up)))
    user = proxy_account(one.proxy)
    Running(paths, one)
    os.chown(paths.proxy_folder, user.pw_uid, user.pw_gid)
    words = envoy.command(BINARY, paths, user, ["+net_bind_service"])
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: 1023 in {at.port for at in process.listeners(frozenset({1023}))}, "its port")
    finally:
        child.kill()
        child.wait(10)


def test_the_version_is_the_programs_own() -> None:
    assert envoy.version(BINARY).split(".")[0] == "1"


@pytest.mark.root
def test_a_running_one_says_its_version_too(paths: Paths, up: int) -> None:
    with running(paths, config(frontend(free_port(), server("s0", up)))):
        assert asyncio.run(envoy.running_version(paths, 5)) == envoy.version(BINARY)


# what a stranger may answer


def answered(paths: Paths, words: bytes, *, stay: bool = False) -> ProxyView:
    """What comes of such an answer; with `stay` it has no end, and is not waited for for long."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(words)
        if stay:
            await reader.read()
        writer.close()

    async def ask() -> ProxyView:
        async with await asyncio.start_unix_server(say, str(paths.admin_socket)):
            return await envoy.view(paths, 0.5 if stay else 20)

    return asyncio.run(ask())


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\0\xff\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 503 no\r\nContent-Length: 2\r\n\r\n{}",
        ok(b"[]"),
        ok(b"no JSON"),
        ok(b"[" * 200_000),
        ok(b" " * (answers.LONGEST_ANSWER + 1)),
        ok(b'{"cluster_statuses": 1}'),
        ok(b'{"cluster_statuses": [1]}'),
        ok(b'{"cluster_statuses": [{"host_statuses": [{"address": 1}]}]}'),
        ok(b'{"cluster_statuses": [{"host_statuses": [{"health_status": []}]}]}'),
    ],
    ids=range(13),
)
def test_nonsense_is_like_no_answer(paths: Paths, words: bytes) -> None:
    with pytest.raises(ConnectionError):
        answered(paths, words)


@pytest.mark.parametrize(
    "words", [b"", b"HTTP/1.1 100 \r\n\r\n" * 1000, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]
)
def test_an_answer_without_end_is_a_timeout(paths: Paths, words: bytes) -> None:
    with pytest.raises(TimeoutError):
        answered(paths, words, stay=True)


def test_a_socket_that_is_away_is_said(paths: Paths) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(envoy.view(paths, 0.5))


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ({"eds_health_status": "HEALTHY"}, ServerState.UP),
        ({"eds_health_status": "HEALTHY", "failed_active_health_check": True}, ServerState.DOWN),
        ({"eds_health_status": "HEALTHY", "failed_outlier_check": True}, ServerState.DOWN),
        ({"eds_health_status": "HEALTHY", "pending_active_hc": True}, ServerState.STARTING),
        ({"eds_health_status": "DRAINING"}, ServerState.DRAIN),
        ({"eds_health_status": "what is new"}, ServerState.DOWN),
        ({}, ServerState.DOWN),
    ],
)
def test_the_state_is_made_of_envoys_flags(paths: Paths, health: dict[str, Any], state: ServerState) -> None:
    host = {"hostname": "s0", "health_status": health}
    view = answered(paths, ok(json.dumps({"cluster_statuses": [{"name": "api", "host_statuses": [host]}]}).encode()))
    assert [one.state for one in view.frontends[0].servers] == [state]
