"""A thousand clients at once, of whatever bad habit: halbd-check is answered, and the daemon stays small."""

from __future__ import annotations

import pytest

from halbd.daemon.clients import MOST
from halbd.system.programs import check_account
from tests.daemon.flood import HABITS, SAID, descriptors, flood, resident
from tests.daemon.node import Node
from tests.daemon.test_socket import CHECK, connect, status
from tests.render.netns import wait_until

pytestmark = pytest.mark.root

GROWTH = 64 << 10
"""KiB that the daemon may grow by under all of these together."""


@pytest.fixture(scope="module")
def quiet(shared: Node) -> tuple[int, int]:
    """Descriptors and memory before the first of them came."""
    assert status(shared, CHECK) == 200
    return descriptors(shared), resident(shared)


@pytest.mark.parametrize("account", ["root", "halbd-check's own"])
@pytest.mark.parametrize("habit", HABITS)
def test_halbd_check_is_answered_beside_a_thousand(
    shared: Node, quiet: tuple[int, int], habit: str, account: str
) -> None:
    """Who floods may even be of the account that asks: whoever asks in full is never the one that is dropped."""
    before, memory = quiet
    who = check_account()
    uid, gid = (0, 0) if account == "root" else (who.pw_uid, who.pw_gid)
    with flood(shared, HABITS[habit], uid, gid):
        checks = (shared.check() for _ in range(5))  # a busy machine may take its 0.3 s from one of them
        assert any(check.stdout == SAID for check in checks), "with code 0 it may also have looked for itself"
        assert status(shared, CHECK) == 200
        assert descriptors(shared) <= before + 2 * MOST + 10
        assert resident(shared) - memory < GROWTH
    wait_until(lambda: descriptors(shared) <= before + 10, "every descriptor is given back")
    assert shared.status["role"] == "master"


def test_who_waited_longest_goes_when_one_too_many_comes(shared: Node) -> None:
    with connect(shared) as first:
        first.sendall(CHECK[:20])
        with flood(shared, "", 0, 0):
            assert first.recv(1) == b"", "closed, long before its own time is over"


def test_the_account_of_halbd_check_takes_no_place_of_roots(shared: Node) -> None:
    who = check_account()
    with connect(shared) as mine:
        mine.sendall(CHECK[:20])
        with flood(shared, "", who.pw_uid, who.pw_gid):
            mine.sendall(CHECK[20:])
            assert mine.recv(12) == b"HTTP/1.1 200"
