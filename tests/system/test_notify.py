"""sd_notify(3): datagrams that a real socket receives."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from halbd.model.paths import Paths
from halbd.system.notify import Notifier


@pytest.fixture
def listener(paths: Paths) -> Iterator[tuple[socket.socket, Path]]:
    """What systemd would listen on."""
    path = paths.runtime / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.settimeout(10)
        one.bind(str(path))
        yield one, path


def test_assignments_arrive_as_one_datagram(listener: tuple[socket.socket, Path]) -> None:
    one, path = listener
    Notifier({"NOTIFY_SOCKET": str(path)}).send("READY=1", "STATUS=master; well")
    assert one.recv(4096) == b"READY=1\nSTATUS=master; well"


def test_an_abstract_socket_is_reached(paths: Paths) -> None:
    """A leading @ stands for a NUL byte (unix(7))."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.settimeout(10)
        one.bind(f"\0{paths.runtime}")
        Notifier({"NOTIFY_SOCKET": f"@{paths.runtime}"}).send("READY=1")
        assert one.recv(4096) == b"READY=1"


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.send("READY=1")
    assert notifier.watchdog_interval is None


def test_a_systemd_that_has_gone_is_no_failure(paths: Paths) -> None:
    Notifier({"NOTIFY_SOCKET": str(paths.runtime / "nobody")}).send("READY=1")


def test_a_systemd_that_does_not_read_is_not_waited_for(listener: tuple[socket.socket, Path]) -> None:
    """Its queue is full; what it did not take is to be sent again."""
    one, path = listener
    notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "10000000"})
    while notifier.send("WATCHDOG=1"):
        pass
    assert not notifier.allow()
    one.recv(4096)
    assert notifier.send("READY=1")


def test_more_time_is_asked_for_and_never_less_than_the_unit_allows(listener: tuple[socket.socket, Path]) -> None:
    one, path = listener
    notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "10000000"})
    for seconds in (60.0, 1.5, 0):
        notifier.allow(seconds)
    assert [one.recv(4096) for _ in range(3)] == [b"WATCHDOG_USEC=60000000", *[b"WATCHDOG_USEC=10000000"] * 2]


def test_no_time_is_asked_for_where_nobody_waits(listener: tuple[socket.socket, Path]) -> None:
    one, path = listener
    notifier = Notifier({"NOTIFY_SOCKET": str(path)})
    notifier.allow(60.0)
    notifier.send("READY=1")
    assert one.recv(4096) == b"READY=1"


def test_the_sign_of_life_comes_twice_as_often_as_it_must() -> None:
    assert Notifier({"WATCHDOG_USEC": "3000000"}).watchdog_interval == 1.5
