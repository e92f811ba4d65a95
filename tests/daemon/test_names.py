"""Servers given by host name: the proxy follows the DNS by itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest

from halbd.model.config import ProxyKind
from halbd.system import envoy, haproxy
from tests.daemon.conftest import both
from tests.daemon.dns import DOMAIN, Dns, dns, silent_dns
from tests.daemon.node import PORT, SERVER_PORT, SERVERS, VIP, Node, frontend
from tests.render.netns import inside, run

pytestmark = [pytest.mark.root, both]

A, B = SERVERS


@pytest.fixture
def names(bare: Node) -> Iterator[Dns]:
    """The server's name has the address of `a`; `b` answers as well, and the node is master."""
    with dns(bare, api=A) as server:
        for name, address in (("a", A), ("b", B)):
            place = ["--tls", f"{address}:{SERVER_PORT}", "--certificate", str(bare.folder / "server.pem")]
            answers = ["--answer", "/readyz=200", "--answer", "/healthz=200"]
            bare.run_in(sys.executable, "-m", "halbd.lab.standin", "--name", name, *place, *answers)
        bare.write(frontends=[frontend(servers=[f"api.{DOMAIN}:{SERVER_PORT}"])])
        bare.start()
        bare.until_master()
        yield server


def served_by(node: Node) -> str:
    """Who answers through the VIP; "" where nobody does."""
    url = f"https://{VIP}:{PORT}/readyz"
    words = run(*inside(node.place, "curl", "-sik", "--max-time", "5", url), check=False).splitlines()
    return next((word.partition(":")[2].strip() for word in words if word.lower().startswith("x-served-by:")), "")


def failed_lookups(node: Node) -> int:
    """How often the proxy has asked the DNS and had no answer at all."""
    if node.kind is ProxyKind.ENVOY:
        stat = "/stats?filter=%5Ecluster.kube-apiserver.update_failure%24"
        return int(asyncio.run(envoy.ask(node.paths.admin_socket, stat, 5)).body.split()[-1])
    rows = asyncio.run(haproxy.ask(node.paths.admin_socket, "show resolvers halbd", 5)).splitlines()
    counts = {key.strip(): value for key, _, value in (row.partition(":") for row in rows)}
    return int(counts["sent"]) - int(counts["valid"]) - 1  # one may be under way


def test_a_name_that_gets_another_address_is_followed_without_a_reload(bare: Node, names: Dns) -> None:
    proxy = bare.proxy["pid"]
    assert served_by(bare) == "a"
    for name, address in (("b", B), ("a", A)):
        names.answer(api=address)
        bare.until(lambda name=name: served_by(bare) == name, f"served by {name}")  # type: ignore[misc]  # bound now
    assert bare.proxy["pid"] == proxy
    assert not bare.lines("config.reloaded")
    assert not bare.lines("vip.lost")


def test_a_dns_server_that_dies_takes_no_address_away(bare: Node, names: Dns) -> None:
    names.die()
    bare.until(lambda: failed_lookups(bare) > 1, "lookups that fail")
    assert served_by(bare) == "a"
    assert bare.causes == []
    names.start()
    names.answer(api=B)
    bare.until(lambda: served_by(bare) == "b", "served by b")


def test_a_name_that_no_longer_exists(bare: Node, names: Dns) -> None:
    """HAProxy keeps the last address; Envoy takes the answer at its word (docs/decisions/0007). No VIP moves."""
    names.answer()
    if bare.kind is ProxyKind.ENVOY:
        bare.until(lambda: bare.causes == ["no_servers"], "no server")
        (server,) = bare.status["frontends"][0]["servers"]
        assert (server["state"], server["check"]) == ("down", "its name has no address")
        assert served_by(bare) == ""
    else:
        bare.until(lambda: names.refusals() > 2, "answers that deny the name")
        assert served_by(bare) == "a"
        assert bare.causes == []
    assert bare.holds_vip
    names.answer(api=B)
    bare.until(lambda: served_by(bare) == "b", "served by b")
    bare.until_master()
    assert not bare.lines("vip.lost")


def test_a_dns_server_that_is_silent_keeps_no_frontend_from_starting(bare: Node) -> None:
    """A frontend by address serves, though nobody tells where the servers of another are."""
    by_name = frontend("other", 9443, servers=[f"{name}.{DOMAIN}:{SERVER_PORT}" for name in ("a", "b", "c")])
    with silent_dns(bare):
        bare.write(frontends=[frontend(), by_name])
        bare.start_servers()
        bare.start()
        bare.until(lambda: bare.status.get("role") == "master", "the node is master")
        bare.until(lambda: served_by(bare) == "api", "an answer through the VIP")
        other = bare.status["frontends"][1]["servers"]
        assert "up" not in [server["state"] for server in other]
