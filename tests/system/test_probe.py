"""Probes against real servers: well, sick, false, silent, slow."""

from __future__ import annotations

import asyncio
import pickle
import socket
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from halbd.lab.certs import Authority
from halbd.model.config import Scheme
from halbd.model.evidence import ProbeResult, Target
from halbd.system.probe import Prober
from tests.system.peer import OK, deaf, drips, peer, says, silent

NOT_FOUND = OK.replace(b"200 OK", b"404 Not Found")


@pytest.fixture(scope="module")
def certificate(ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of a server that is named kubernetes."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_text(ca.issue(["kubernetes"]))
    return path


@pytest.fixture
def target(ca: Authority) -> Target:
    """What a frontend's probe asks; the port is the test's."""
    return Target(
        name="local/api",
        frontend="api",
        address=ip_address("127.0.0.1"),
        port=0,
        scheme=Scheme.HTTPS,
        path="/healthz",
        expect=(200,),
        server_name="kubernetes",
        ca=ca.pem,
        timeout=5,
    )


def ask(*targets: Target) -> list[ProbeResult]:
    """All at once, with one prober."""

    async def all_of_them() -> list[ProbeResult]:
        prober = Prober()
        try:
            return await asyncio.gather(*(prober.ask(target) for target in targets))
        finally:
            prober.close()

    return asyncio.run(all_of_them())


def test_a_server_that_is_well_passes(target: Target, certificate: Path) -> None:
    with peer(says(OK), certificate) as server:
        (result,) = ask(replace(target, port=server.port))
    assert (result.ok, result.connected, result.status, result.error) == (True, True, 200, "")
    assert 0 < result.latency < target.timeout


def test_a_status_that_is_not_expected_fails(target: Target, certificate: Path) -> None:
    with peer(says(NOT_FOUND), certificate) as server:
        asked = replace(target, port=server.port)
        result, expected = ask(asked, replace(asked, expect=(200, 404)))
    assert (result.ok, result.connected, result.status, result.error) == (False, True, 404, "status 404")
    assert expected.ok


def test_a_redirect_is_not_followed(target: Target, certificate: Path) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with peer(says(moved), certificate) as server:
        (result,) = ask(replace(target, port=server.port))
    assert (result.ok, result.status) == (False, 302)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"ca": Authority().pem}, "self-signed|unable to get local issuer"), ({"server_name": "other"}, "not valid for")],
    ids=["wrong CA", "wrong name"],
)
def test_a_certificate_that_is_not_the_servers_fails(
    target: Target, certificate: Path, change: dict[str, str], words: str
) -> None:
    with peer(says(OK), certificate) as server:
        (result,) = ask(replace(target, port=server.port, **change))  # type: ignore[arg-type]  # names of the table above
    assert (result.ok, result.connected, result.status) == (False, True, None)
    assert result.error.startswith("TLS: ")
    assert any(word in result.error for word in words.split("|")), result.error


def test_without_a_ca_any_certificate_passes(target: Target, certificate: Path) -> None:
    """The operator wrote `insecure: true`."""
    with peer(says(OK), certificate) as server:
        (result,) = ask(replace(target, port=server.port, ca=None, server_name="other"))
    assert result.ok


def test_http_without_tls_passes(target: Target) -> None:
    with peer(says(OK)) as server:
        (result,) = ask(replace(target, port=server.port, scheme=Scheme.HTTP, ca=None))
    assert (result.ok, result.status) == (True, 200)


def test_tcp_asks_for_no_more_than_a_connection(target: Target) -> None:
    with peer(silent) as server:
        (result,) = ask(replace(target, port=server.port, scheme=Scheme.TCP))
    assert (result.ok, result.connected, result.status) == (True, True, None)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_refused_connection_is_the_proxys_own_doing(target: Target, scheme: Scheme) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (result,) = ask(replace(target, port=port, scheme=scheme))
    assert (result.ok, result.connected, result.status) == (False, False, None)
    assert "refuse" in result.error


@pytest.mark.parametrize("scheme", Scheme)
def test_a_proxy_that_accepts_nothing_is_not_connected(target: Target, scheme: Scheme) -> None:
    with deaf() as port:
        (result,) = ask(replace(target, port=port, timeout=0.2, scheme=scheme))
    assert (result.ok, result.connected, result.status) == (False, False, None)


@pytest.mark.parametrize("scheme", [Scheme.HTTP, Scheme.HTTPS])
def test_a_connection_that_is_closed_without_an_answer_was_connected(target: Target, scheme: Scheme) -> None:
    """As HAProxy does when it has no server: that is the servers' doing, not the proxy's."""
    with peer(lambda connection, _: connection.close()) as server:
        (result,) = ask(replace(target, port=server.port, scheme=scheme))
    assert (result.ok, result.connected, result.status) == (False, True, None)
    assert result.error == "the connection was closed without an answer"


@pytest.mark.parametrize("answer", [silent, drips], ids=["silence", "slow drip"])
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_the_deadline_is_kept_and_the_connection_is_cut(
    target: Target, certificate: Path, answer: object, tls: bool
) -> None:
    """The server sees the end of the connection: nothing of the probe lives on behind its deadline."""
    scheme = Scheme.HTTPS if tls else Scheme.HTTP
    with peer(answer, certificate if tls else None) as server:  # type: ignore[arg-type]  # one of the two above
        (result,) = ask(replace(target, port=server.port, scheme=scheme, timeout=1))
        assert server.ended.acquire(timeout=10), "the connection is still there"
    assert (result.ok, result.connected, result.status) == (False, True, None)
    assert result.error.startswith("no answer")


def test_probes_that_get_no_answer_do_not_delay_the_others(target: Target, certificate: Path) -> None:
    """Sixteen slow ones, over and over: the one that is well is still asked in time."""
    with peer(drips, certificate) as slow, peer(says(OK), certificate) as well:
        for _ in range(3):
            bad = [replace(target, port=slow.port, timeout=0.5)] * 16
            *_, good = ask(*bad, replace(target, port=well.port))
            assert good.ok, good.error


def test_a_slow_drip_does_not_hold_up_the_end_of_the_daemon(target: Target, certificate: Path) -> None:
    """Python joins every thread of a pool before a process ends."""
    script = (
        "import asyncio, pickle, sys; from halbd.system.probe import Prober; "
        "prober = Prober(); target = pickle.load(sys.stdin.buffer); "
        "print(asyncio.run(prober.ask(target)).ok); prober.close()"
    )
    with peer(drips, certificate) as server:
        asked = pickle.dumps(replace(target, port=server.port, timeout=0.3))
        words = [sys.executable, "-c", script]
        done = subprocess.run(words, input=asked, capture_output=True, timeout=30, check=True)
    assert done.stdout == b"False\n"


def test_a_proxy_in_the_environment_is_not_asked(
    target: Target, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with peer(says(OK), certificate) as server:
        (result,) = ask(replace(target, port=server.port))
    assert result.ok


def test_a_question_that_no_thread_took_up_says_nothing_of_the_proxy(target: Target) -> None:
    """All of them wait for others."""
    with peer(silent) as server:
        slow = replace(target, port=server.port, timeout=3)

        async def both() -> tuple[ProbeResult, ProbeResult]:
            prober = Prober(threads=1, most=1)
            try:
                return await asyncio.gather(prober.ask(slow), prober.ask(replace(slow, timeout=0.2)))
            finally:
                prober.close()

        first, second = asyncio.run(both())
    assert (first.ok, first.ours) == (False, False)
    assert (second.ok, second.ours, second.error) == (False, True, "no thread is free to ask")
