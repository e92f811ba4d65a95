"""New connections wait at a shut door, and are sent on to the node that has the VIP by then."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

import pytest

from halbd.model.errors import FailedError
from halbd.system.door import Door, let_in, listeners
from tests.render.netns import add_address, inside, link, namespace, run, wait_until
from tests.system.helped import Way
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root

PORT = 6443
ADDRESSES = {
    4: ("10.99.0.1/24", "10.99.0.2/24", "10.99.0.9/24", "10.99.0.4/32"),
    6: ("2001:db8::1/64", "2001:db8::2/64", "2001:db8::9/64", "2001:db8::4/128"),
}
SERVER = """
import socket, sys
one = socket.create_server(("::", int(sys.argv[2])), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    other, _ = one.accept()
    other.sendall(sys.argv[1].encode())
    other.close()
"""


@dataclass(frozen=True)
class World:
    """Two nodes and a client on a wire; each node has a server for every address of its own."""

    here: str
    there: str
    client: str
    pid: int
    vip: str
    prefix: str

    def move(self) -> None:
        """The VIP goes from here to there, and the client hears of it."""
        run("ip", "-n", self.there, "addr", "add", self.prefix, "dev", "eth0")
        run("ip", "-n", self.here, "addr", "del", self.prefix, "dev", "eth0")
        run("ip", "-n", self.client, "neigh", "flush", "dev", "br0")

    def knock(self) -> socket.socket:
        """A connection from the client to the VIP, begun."""
        family = socket.AF_INET6 if ":" in self.vip else socket.AF_INET
        one = within(self.client, lambda: socket.socket(family))
        one.setblocking(False)
        one.connect_ex((self.vip, PORT))
        return one

    def shut(self) -> Door:
        """The door of the node that has the VIP."""
        return within(self.here, lambda: Door(self.pid, {PORT}, [ip_address(self.vip)]))


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def world(request: pytest.FixtureRequest, way: Way) -> Iterator[World]:
    here_address, there_address, client_address, vip = ADDRESSES[request.param]
    with ExitStack() as stack:
        here, there, client = (stack.enter_context(namespace(fresh_name())) for _ in range(3))
        run("ip", "-n", client, "link", "add", "br0", "type", "bridge")
        run(*inside(client, "sysctl", "-qw", "net.ipv6.conf.br0.accept_dad=0"))
        run("ip", "-n", client, "link", "set", "br0", "up")
        for port, place, address in (("port0", here, here_address), ("port1", there, there_address)):
            link((client, port), (place, "eth0"))
            run("ip", "-n", client, "link", "set", port, "master", "br0")
            add_address(place, "eth0", address)
        add_address(client, "br0", client_address)
        run("ip", "-n", here, "addr", "add", vip, "dev", "eth0")
        pids = [stack.enter_context(server(place, name)) for place, name in ((here, "here"), (there, "there"))]
        stack.enter_context(way(here))
        yield World(here, there, client, pids[0], vip.split("/")[0], vip)


@contextmanager
def server(place: str, name: str) -> Iterator[int]:
    """A server that says who it is; its process."""
    argv = inside(place, sys.executable, "-c", SERVER, name, str(PORT))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as one:
        try:
            assert one.stdout is not None
            assert one.stdout.readline()
            yield one.pid
        finally:
            one.kill()


def answer(one: socket.socket) -> str:
    one.settimeout(20)
    return one.recv(100).decode()


def connected(one: socket.socket) -> bool:
    try:
        one.getpeername()
    except OSError:
        return False
    return True


def test_who_comes_while_it_is_shut_is_served_by_the_next_holder(world: World) -> None:
    door = world.shut()
    with world.knock() as one:
        assert not within(world.here, door.has_moved)
        world.move()
        assert within(world.here, door.has_moved)
        door.open()
        wait_until(lambda: within(world.here, door.send_on) > 0, "the SYN")
        assert answer(one) == "there"
    door.close()


def test_when_it_is_opened_again_all_is_as_before(world: World) -> None:
    door = world.shut()
    with world.knock() as waits:
        door.open()
        with world.knock() as one:
            assert answer(one) == "here"
        assert answer(waits) == "here", "by itself: TCP has sent its SYN again"
    door.close()


def test_a_connection_that_is_there_and_one_of_this_machine_itself_go_on(world: World) -> None:
    with world.knock() as before:
        wait_until(lambda: connected(before), "a connection")
        door = world.shut()
        assert answer(before) == "here"
    host = "::1" if ":" in world.vip else "127.0.0.1"
    for address in (host, world.vip):
        with within(world.here, partial(socket.create_connection, (address, PORT), 20)) as own:
            assert answer(own) == "here"
    door.open()
    door.close()


def test_a_door_that_a_daemon_left_shut_is_opened_by_the_next(world: World) -> None:
    world.shut().close()
    within(world.here, lambda: let_in(world.pid, {PORT}))
    with world.knock() as one:
        assert answer(one) == "here"


def test_where_nothing_was_found_to_open_nobody_says_that_it_is_open(world: World) -> None:
    with pytest.raises(FailedError, match="none that listens"):
        within(world.here, lambda: let_in(world.pid, {PORT + 1}))


def test_every_listening_socket_is_found_once_and_no_other(world: World) -> None:
    with world.knock() as one:
        wait_until(lambda: connected(one), "a connection")
        found = within(world.here, lambda: list(listeners(world.pid, {PORT})))
    assert [each.getsockname()[1] for each in found] == [PORT]
    for each in found:
        each.close()


def test_of_a_session_that_is_gone_there_is_none() -> None:
    with subprocess.Popen(["/bin/true"], start_new_session=True) as one:
        one.wait()
    assert list(listeners(one.pid, {PORT})) == []
