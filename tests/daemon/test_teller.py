"""What systemd hears while one program becomes another, on a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from halbd.daemon.teller import Teller
from halbd.model.events import StopRequested
from halbd.system.notify import Notifier
from tests.decide.driver import Driver, running

LONGER, USUAL, SIGN = "WATCHDOG_USEC=60000000", "WATCHDOG_USEC=10000000", "WATCHDOG=1"


class Systemd:
    """The other end."""

    def __init__(self, line: socket.socket, path: Path) -> None:
        self._line = line
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "10000000"}

    def fill(self) -> None:
        """It does not read, and takes nothing more."""
        while Notifier(self.environment).send("X_FULL=1"):
            pass

    def heard(self) -> list[str]:
        """What has come so far about the watchdog."""
        return [words for words in self.all() if words.startswith("WATCHDOG")]

    def all(self) -> list[str]:
        """What has come so far."""
        found: list[str] = []
        while True:
            try:
                found += self._line.recv(4096).decode().split("\n")
            except BlockingIOError:
                return [words for words in found if words != "X_FULL=1"]


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "s"))
        line.setblocking(False)  # a datagram to a unix socket is there when it has been sent
        yield Systemd(line, tmp_path / "s")


def test_the_new_program_has_time_until_its_first_sign_of_life(systemd: Systemd) -> None:
    state = Driver().state
    old, new = (Teller(Notifier(systemd.environment)) for _ in range(2))
    old.tell(state)
    assert systemd.heard() == [USUAL, SIGN]
    old.tell(state)
    old.leave()
    assert systemd.heard() == [LONGER]
    new.tell(state)
    new.tell(state)
    assert systemd.heard() == [USUAL, SIGN]


def test_one_that_stays_after_all_is_waited_for_as_before(systemd: Systemd) -> None:
    state = Driver().state
    teller = Teller(Notifier(systemd.environment))
    teller.leave()
    teller.stay()
    teller.tell(state)
    assert systemd.heard() == [LONGER, USUAL, SIGN]


def test_what_systemd_did_not_take_is_told_after_a_later_turn(systemd: Systemd) -> None:
    node = running()
    teller = Teller(Notifier(systemd.environment))
    systemd.fill()
    teller.tell(node.state)
    assert systemd.all() == []
    node.post(StopRequested())
    teller.tell(node.state)
    told = systemd.all()
    assert told[0].startswith("STATUS=")
    assert told[1:] == ["READY=1", "STOPPING=1", USUAL, SIGN]
    teller.tell(node.state)
    assert systemd.all() == []
