"""The HTTP socket: whoever asks in whatever way, the daemon answers or drops them, and lives."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from halbd.system.programs import check_account
from tests.daemon.node import Node

pytestmark = pytest.mark.root

CHECK = b"GET /check HTTP/1.1\r\nHost: halbd\r\n\r\n"
ASK = """
import socket, sys
one = socket.socket(socket.AF_UNIX)
one.connect(sys.argv[1])
one.sendall(f"{sys.argv[2]} HTTP/1.1\\r\\nHost: halbd\\r\\n\\r\\n".encode())
print(one.makefile().readline().strip())
"""


def connect(node: Node) -> socket.socket:
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(20)
    one.connect(str(node.paths.socket))
    return one


def whole_answer(one: socket.socket) -> str:
    return b"".join(iter(lambda: one.recv(65536), b"")).decode()


def send(node: Node, text: bytes, *, end: bool = False) -> str:
    """What comes back for these bytes; `end`: nothing more will come from us."""
    with connect(node) as one:
        one.sendall(text)
        if end:
            one.shutdown(socket.SHUT_WR)
        return whole_answer(one)


def status(node: Node, text: bytes, *, end: bool = False) -> int:
    return int(send(node, text, end=end).split()[1])


def as_user(node: Node, uid: int, gid: int, question: str) -> subprocess.CompletedProcess[str]:
    """Ask as another account."""
    drop = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    words = [*drop, "/usr/bin/python3", "-I", "-S", "-c", ASK, str(node.paths.socket), question]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)


@pytest.fixture(scope="module")
def silent(shared: Node) -> Iterator[socket.socket]:
    """A client that sends half a request, before the first test, and no more."""
    with connect(shared) as one:
        one.sendall(CHECK[:20])
        yield one


@pytest.fixture(autouse=True)
def alive(shared: Node, silent: socket.socket) -> None:
    """Before every test: the daemon still answers after whatever the one before did to it."""
    assert silent.fileno() > 0
    assert status(shared, CHECK) == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\x00\xff\x16\x03\x01garbage\r\n\r\n", 400),
        (b"HELLO\r\n\r\n", 400),
        (b"GET /check HTTP/1.1\r\n\r\n", 400),
        (b"GET /check HTTP/one\r\nHost: halbd\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nHost: halbd\r\n\r\n", 400),
        (b"GET /history?limit=many HTTP/1.1\r\nHost: halbd\r\n\r\n", 400),
        (b"GET /history?limit=-1 HTTP/1.1\r\nHost: halbd\r\n\r\n", 400),
        (b"GET /history?limit=%EF%BC%91 HTTP/1.1\r\nHost: halbd\r\n\r\n", 400),
        (b"POST /reload HTTP/1.1\r\nHost: halbd\r\nContent-Length: minus\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: halbd\r\n\r\n", 404),
        (b"GET /check/ HTTP/1.1\r\nHost: halbd\r\n\r\n", 404),
        (b"POST /check HTTP/1.1\r\nHost: halbd\r\nContent-Length: 0\r\n\r\n", 405),
        (b"GET /reload HTTP/1.1\r\nHost: halbd\r\n\r\n", 405),
        (b"GET /check HTTP/1.1\r\nHost: halbd\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 413),
        (b"POST /reload HTTP/1.1\r\nHost: halbd\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000, 413),
        (b"GET /check?x=1 HTTP/1.1\r\nHost: halbd\r\n\r\n", 200),
        (b"GET /history?limit=99999999999999999999 HTTP/1.1\r\nHost: halbd\r\n\r\n", 200),
        (b"GET /check HTTP/1.0\r\n\r\n", 200),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)
def test_every_request_gets_its_status(shared: Node, text: bytes, expected: int) -> None:
    assert status(shared, text) == expected


def test_an_error_says_what_to_do(shared: Node) -> None:
    assert shared.ask("GET", "/reload").body == {"error": "cannot GET /reload: use POST"}
    assert shared.ask("GET", "/nothing").body == {"error": "cannot answer /nothing: there is no such path"}


def test_half_a_request_is_not_answered_as_a_whole_one(shared: Node) -> None:
    assert status(shared, CHECK[:20], end=True) == 400


def test_nothing_at_all_is_no_error(shared: Node) -> None:
    assert send(shared, b"", end=True) == ""


def test_who_leaves_before_the_answer_is_no_error(shared: Node) -> None:
    for _ in range(20):
        with connect(shared) as one:
            one.sendall(CHECK)


def test_two_hundred_at_once_are_all_answered(shared: Node) -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(connect(shared)) for _ in range(200)]
        assert shared.check().returncode == 0
        for one in many:
            one.sendall(CHECK)
        assert {whole_answer(one).split()[1] for one in many} == {"200"}


def test_the_account_of_halbd_check_may_ask_and_not_change(shared: Node) -> None:
    account = check_account()
    said = {
        question: as_user(shared, account.pw_uid, account.pw_gid, question).stdout
        for question in ("GET /check", "GET /status", "GET /history", "POST /reload", "POST /upgrade")
    }
    forbidden = {said.pop("POST /reload"), said.pop("POST /upgrade")}
    assert set(said.values()) == {"HTTP/1.1 200 OK\n"}
    assert forbidden == {"HTTP/1.1 403 Forbidden\n"}


def test_another_account_may_not_even_ask(shared: Node) -> None:
    """One that shares the group reaches the socket, and is refused by its uid (SO_PEERCRED)."""
    group = check_account().pw_gid
    assert as_user(shared, 12345, group, "GET /status").stdout == "HTTP/1.1 403 Forbidden\n"
    assert as_user(shared, 12345, group, "POST /reload").stdout == "HTTP/1.1 403 Forbidden\n"
    assert "PermissionError" in as_user(shared, 12345, 12345, "GET /status").stderr


def test_who_says_nothing_is_dropped(silent: socket.socket) -> None:
    """So that connections do not pile up; all the tests before this one were answered meanwhile."""
    assert whole_answer(silent) == ""
