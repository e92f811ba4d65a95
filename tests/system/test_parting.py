"""What the kernels of both ends do with the connections of an address that has left."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from halbd.model.errors import HalbdError
from halbd.model.flow import Flow
from halbd.system import sock_diag
from halbd.system.helper import ask
from halbd.system.poke import checksum, poke
from halbd.system.sock_diag import Connection
from halbd.system.voice import let_speak
from tests.render.netns import inside, run
from tests.system.helped import Way
from tests.system.lan import PORT, Lan, lan
from tests.system.within import within

pytestmark = pytest.mark.root

VIP = ip_address("10.99.0.4")
VIP6 = ip_address("2001:db8::4")
FIREWALL = """table inet filter { chain input { type filter hook input priority 0
ct state established,related accept
ct state invalid drop
}; }"""
"""What firewalld and ufw do on every host that they guard."""


@pytest.fixture(params=[VIP, VIP6], ids=["IPv4", "IPv6"])
def place(request: pytest.FixtureRequest, way: Way) -> Iterator[Lan]:
    with lan(request.param) as place, way(place.old):
        yield place


@pytest.fixture
def place4(way: Way) -> Iterator[Lan]:
    with lan(VIP) as place, way(place.old):
        yield place


def connected(listener: socket.socket, place: Lan) -> tuple[socket.socket, socket.socket]:
    client = place.connect()
    accepted, _ = listener.accept()
    accepted.settimeout(10)
    return client, accepted


def found(place: Lan) -> tuple[Connection, ...]:
    return within(place.old, lambda: sock_diag.connections(place.vip))


def end(place: Lan, these: tuple[Connection, ...]) -> int:
    """As the daemon does it."""
    if place.vip.version == 4:
        within(place.old, lambda: let_speak(one.inode for one in these))
    return len(within(place.old, lambda: sock_diag.destroy(these)))


def is_reset(one: socket.socket) -> bool:
    try:
        one.recv(1)
    except ConnectionResetError:
        return True
    return False


def is_quiet(one: socket.socket) -> bool:
    return not select.select([one], [], [], 0)[0]


def test_only_connections_of_that_very_address_are_found(place: Lan) -> None:
    with place.listen(place.old) as listener:
        client, accepted = connected(listener, place)
        other = place.connect("10.99.0.1" if place.vip.version == 4 else "2001:db8::1")
        (one,) = found(place)
        assert (one.flow.local, one.flow.local_port, one.flow.remote_port) == (place.vip, PORT, client.getsockname()[1])
        assert one.inode == os.fstat(accepted.fileno()).st_ino
        other.close()


def test_connections_to_a_server_are_found_by_its_address_and_port(place: Lan) -> None:
    with place.listen(place.old) as listener:
        client, accepted = connected(listener, place)
        (one,) = within(place.client, lambda: sock_diag.connections_to(place.vip, PORT))
        assert one.inode == os.fstat(client.fileno()).st_ino
        assert ask.holders([one.inode], [1, os.getpid()]) == {one.inode: os.getpid()}
        assert ask.holders([one.inode], [1]) == {}
        assert within(place.client, lambda: sock_diag.connections_to(place.vip, PORT + 1)) == ()
        within(place.client, lambda: sock_diag.destroy((one,)))
        assert is_reset(accepted)


def test_a_connect_that_is_still_being_tried_is_given_up(place4: Lan) -> None:
    """Who tries it learns so at once, and may try another server."""
    run("ip", "-n", place4.client, "neigh", "replace", "10.99.0.9", "lladdr", "02:00:00:00:00:09", "dev", "eth0")

    def silent() -> socket.socket:
        one = socket.socket()
        one.setblocking(False)
        assert one.connect_ex(("10.99.0.9", PORT)) == errno.EINPROGRESS
        return one

    with within(place4.client, silent) as client:
        there = within(place4.client, lambda: sock_diag.connections_to(ip_address("10.99.0.9"), PORT))
        assert len(within(place4.client, lambda: sock_diag.destroy(there))) == 1
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNABORTED


def test_an_ipv4_connection_of_an_ipv6_socket_is_found_as_well(place4: Lan) -> None:
    with place4.listen(place4.old, "::") as listener:
        client, _ = connected(listener, place4)
        (one,) = found(place4)
        assert one.flow.remote == ip_address("10.99.0.3")
        place4.lose(place4.old)
        assert end(place4, (one,)) == 1
        assert is_reset(client)


def test_both_ends_of_a_silent_connection_learn_of_its_end_before_there_is_a_new_holder(place: Lan) -> None:
    with place.listen(place.old) as listener:
        client, accepted = connected(listener, place)
        place.lose(place.old)
        assert is_quiet(client)
        assert end(place, found(place)) == 1
        assert is_reset(client)
        with pytest.raises(OSError, match="abort") as caught:
            accepted.recv(1)
        assert caught.value.errno == errno.ECONNABORTED
        assert found(place) == ()


def test_a_firewall_at_the_client_lets_the_last_word_through(place: Lan) -> None:
    run(*inside(place.client, "nft", FIREWALL))
    with place.listen(place.old) as listener:
        client, _ = connected(listener, place)
        place.lose(place.old)
        assert end(place, found(place)) == 1
        assert is_reset(client)


def test_a_poked_client_is_reset_by_the_new_holder(place: Lan) -> None:
    with place.listen(place.old) as listener, place.listen(place.new):
        client, _ = connected(listener, place)
        place.take(place.new)
        place.lose(place.old)
        within(place.old, lambda: poke(one.flow for one in found(place)))
        assert is_reset(client)


def test_a_connection_that_nobody_has_accepted_has_no_voice_and_is_poked(place4: Lan) -> None:
    with place4.listen(place4.old), place4.listen(place4.new):
        client = place4.connect()
        place4.take(place4.new)
        place4.lose(place4.old)
        (one,) = found(place4)
        assert one.inode == 0
        assert let_speak([one.inode]) == frozenset()
        assert end(place4, (one,)) == 1
        assert is_quiet(client), "it was destroyed without a word"
        within(place4.old, lambda: poke([one.flow]))
        assert is_reset(client)


def test_a_connection_begun_after_the_return_is_spared(place: Lan) -> None:
    with place.listen(place.old) as listener:
        client, _ = connected(listener, place)
        before = found(place)
        later, _accepted = connected(listener, place)
        assert end(place, before) == 1
        assert is_reset(client)
        assert [one.flow.remote_port for one in found(place)] == [later.getsockname()[1]]
        assert end(place, before) == 0, "one that is gone is no error"


def test_a_client_on_the_holder_itself_is_told_as_well(place: Lan) -> None:
    """A stacked control plane: kubelet on the node that holds the VIP. Both ends have the VIP for their address."""
    with place.listen(place.old) as listener:
        client = within(place.old, lambda: socket.create_connection((str(place.vip), PORT), 10))
        _accepted, _ = listener.accept()
        place.lose(place.old)
        these = found(place)
        assert len(these) == 2
        end(place, these)
        with pytest.raises(OSError, match=r"abort|reset"):
            client.recv(1)


def test_a_process_of_another_account_need_not_help(place4: Lan) -> None:
    """The proxy has no privileges, and may be stopped, or hang."""
    code = f"import socket, time; s = socket.create_server(('', {PORT})); print(flush=True); a = s.accept(); "
    code += "print(flush=True); time.sleep(60)"
    words = inside(place4.old, "setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-I", "-S", "-c", code)
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        client = place4.connect()
        process.stdout.readline()
        place4.lose(place4.old)
        assert end(place4, found(place4)) == 1
        assert is_reset(client)
        process.kill()


def test_without_the_privileges_it_says_so(place4: Lan) -> None:
    with place4.listen(place4.old) as listener:
        _client, _accepted = connected(listener, place4)
        code = "from ipaddress import ip_address; from halbd.system import poke, sock_diag\n"
        code += f"found = sock_diag.connections(ip_address('{VIP}'))\n"
        code += "for work in (lambda: sock_diag.destroy(found), lambda: poke.poke(one.flow for one in found)):\n"
        code += " try: work()\n except sock_diag.HalbdError as error: print(error)"
        without = ("setpriv", "--bounding-set=-net_admin,-net_raw", "--inh-caps=-net_admin,-net_raw")
        words = inside(place4.old, "env", "-u", ask.SOCKET, *without, sys.executable, "-c", code)
        said = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True, cwd=Path.cwd()).stdout
    assert said.splitlines() == [
        "cannot destroy sockets: Operation not permitted",
        "cannot send packets: Operation not permitted",
    ]


def test_the_checksum_is_that_of_the_rfc() -> None:
    """RFC 1071, 3: the sum of its example is ddf2."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


def test_an_error_of_the_kernel_is_told(place4: Lan) -> None:
    bad = Connection(Flow(VIP, PORT, VIP, PORT), 77, bytes(48), 0)
    with pytest.raises(HalbdError, match="cannot destroy sockets"):
        within(place4.old, lambda: sock_diag.destroy((bad,)))
