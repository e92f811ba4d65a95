"""What is heard on a wire, and what a look at VRRP sockets tells, in namespaces of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from halbd.model.adverts import Advert
from halbd.model.guard import Sign
from halbd.system.adverts import BUFFER, Wire
from halbd.system.helper.packets import VRRP
from halbd.system.keepalived_signs import look
from tests.render.netns import add_address, link, namespace, run, wait_until
from tests.system.helped import Way
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root

HERE, THERE, VIP = "10.99.0.1", "10.99.0.2", ip_address("10.99.0.4")
HERE6, THERE6, VIP6 = "2001:db8::1", "2001:db8::2", ip_address("2001:db8::4")

WATCHER = """
import ctypes, signal, sys
libc = ctypes.CDLL(None)
assert libc.inotify_add_watch(libc.inotify_init(), sys.argv[1].encode(), 8) >= 0  # IN_CLOSE_WRITE
print("watching", flush=True)
signal.pause()
"""


@pytest.fixture
def places(way: Way) -> Iterator[tuple[str, str]]:
    """Two nodes on a wire."""
    with namespace(fresh_name()) as here, namespace(fresh_name()) as there:
        link((here, "eth0"), (there, "eth0"))
        for place, address, address6 in ((here, HERE, HERE6), (there, THERE, THERE6)):
            add_address(place, "eth0", f"{address}/24")
            add_address(place, "eth0", f"{address6}/64")
        within(here, acquaint)
        with way(here):
            yield here, there


def acquaint() -> None:
    """Until both know each other's link address: a packet would wait for that, and be sent when nobody expects it."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((THERE, 9), 20)


def advert(priority: int = 254) -> bytes:
    return bytes((0x31, 4, priority, 1, 0, 20, 0, 0)) + VIP.packed


def send(target: str, payload: bytes, protocol: int = VRRP) -> None:
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with socket.socket(family, socket.SOCK_RAW, protocol) as one:
        one.sendto(payload, (target, 0))


def heard(place: str, deed: Callable[[Wire], None]) -> list[tuple[Advert, str, bool]]:
    """What a listener in the place hears of the deed."""

    def listen() -> list[tuple[Advert, str, bool]]:
        wire = Wire()
        try:
            deed(wire)
            found: list[tuple[Advert, str, bool]] = []

            def any_heard() -> bool:
                found.extend(wire.heard())
                return bool(found)

            wait_until(any_heard, "an advert")
            return found
        finally:
            wire.close()

    return within(place, listen)


def test_adverts_of_both_sides_are_heard_and_nothing_else(places: tuple[str, str]) -> None:
    here, there = places

    def deed(_: Wire) -> None:
        send(THERE, advert(), 47)
        send(THERE, advert())

    ((own, interface, ours),) = heard(here, deed)
    assert (own, interface, ours) == (Advert(ip_address(HERE), 4, 254, frozenset({VIP}), 3, 0.2), "eth0", True)
    ((other, interface, ours),) = heard(here, lambda _: within(there, lambda: send(HERE, advert(0))))
    assert (other, interface, ours) == (Advert(ip_address(THERE), 4, 0, frozenset({VIP}), 3, 0.2), "eth0", False)


def test_ipv6_adverts_are_heard(places: tuple[str, str]) -> None:
    here, there = places
    payload = bytes((0x31, 4, 254, 1, 0, 20, 0, 0)) + VIP6.packed
    ((other, _, ours),) = heard(here, lambda _: within(there, lambda: send(HERE6, payload)))
    assert (other, ours) == (Advert(ip_address(THERE6), 4, 254, frozenset({VIP6}), 3, 0.2), False)


def test_an_interface_that_is_made_anew_is_heard_as_well(places: tuple[str, str]) -> None:
    here, there = places

    def deed(_: Wire) -> None:
        run("ip", "-n", here, "link", "del", "eth0")
        link((here, "eth0"), (there, "eth0"))
        add_address(here, "eth0", f"{HERE}/24")
        add_address(there, "eth0", f"{THERE}/24")
        within(there, lambda: send(HERE, advert()))

    assert heard(here, deed)


def test_an_overrun_is_told_once(places: tuple[str, str]) -> None:
    here, _ = places
    lost: list[bool] = []

    def deed(wire: Wire) -> None:
        lost.append(wire.lost())
        for _ in range(BUFFER // 256):
            send(THERE, advert())
        lost.extend((wire.lost(), wire.lost()))

    heard(here, deed)
    assert lost == [False, True, False]


def test_what_waits_can_be_thrown_away(places: tuple[str, str]) -> None:
    here, _ = places

    def deed(wire: Wire) -> None:
        send(THERE, advert(1))
        wire.forget()
        send(THERE, advert(2))

    assert [one.priority for one, _, _ in heard(here, deed)] == [2]


def test_without_the_capability_it_is_refused_with_a_reason() -> None:
    script = "from halbd.system.adverts import Wire\ntry:\n    Wire()\nexcept Exception as error:\n    print(error)"
    words = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-all", sys.executable, "-c", script)
    assert run(*words) == "cannot listen to VRRP adverts: Operation not permitted\n"


def test_a_program_that_leaves_adverts_unread_or_has_no_vrrp_socket_is_found_out(
    places: tuple[str, str], tmp_path: Path
) -> None:
    here, there = places
    pid, address = os.getpid(), ip_address(HERE)

    def seen(pid: int = pid, address: IPv4Address | IPv6Address = address) -> tuple[frozenset[Sign], int]:
        signs, unread = look(pid, address, tmp_path)
        return signs - {Sign.DEAF}, unread

    def script() -> None:
        assert seen() == (frozenset({Sign.NO_SOCKET}), 0)
        assert seen(address=ip_address("10.99.0.99")) == (frozenset(), 0)  # nor could it have one
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as one:
            assert seen() == (frozenset(), 0)
            within(there, lambda: send(HERE, advert()))
            wait_until(lambda: Sign.UNREAD in seen()[0], "an advert that nobody reads")
            assert seen()[1] > 0
            assert seen(stranger.pid) == (frozenset({Sign.NO_SOCKET}), 0)  # the unread one is not its own
            one.recv(2048)
            assert seen() == (frozenset(), 0)

    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        within(here, script)
        stranger.kill()


def test_a_program_that_watches_a_folder_which_is_no_longer_there_is_found_out(tmp_path: Path) -> None:
    track = tmp_path / "track"
    track.mkdir()
    address = ip_address(HERE)

    def deaf() -> bool:
        return Sign.DEAF in look(watcher.pid, address, track)[0]

    with subprocess.Popen([sys.executable, "-c", WATCHER, str(track)], stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == b"watching\n"
        assert not deaf()
        track.rmdir()
        assert not deaf()  # there is nothing to watch
        (tmp_path / "kept").mkdir()  # so that the new folder has another number
        track.mkdir()
        assert deaf()
        watcher.kill()
