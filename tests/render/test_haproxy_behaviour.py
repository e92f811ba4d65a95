"""What the real HAProxy does with the rendered file."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from halbd.model.config import Balance, Check, Scheme, Timeouts
from tests.render.cases import FRONTEND
from tests.render.certificates import Authority, authority
from tests.render.conftest import StartApi, StartProxy
from tests.render.netns import wait_until


def test_a_server_that_answers_200_is_up(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    assert quick.ca is not None
    api = start_api()
    proxy = start_proxy(quick, api)
    proxy.wait_for("s0", "UP L7OK 200")
    assert proxy.get(quick.ca) == 200
    assert api.asked[0] == ("/readyz", "kubernetes")


def test_a_server_that_answers_500_is_down(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    api = start_api()
    proxy = start_proxy(quick, api)
    proxy.wait_for("s0", "UP L7OK 200")
    api.status = 500
    proxy.wait_for("s0", "DOWN L7STS 500")
    api.status = 200
    proxy.wait_for("s0", "UP L7OK 200")


def test_every_status_of_expect_passes_and_no_other(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    api = start_api()
    proxy = start_proxy(replace(quick, expect=(200, 401)), api)
    api.status = 401
    proxy.wait_for("s0", "UP L7OK 401")
    api.status = 403
    proxy.wait_for("s0", "DOWN L7STS 403")


def test_a_certificate_with_another_name_is_down(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    start_proxy(quick, start_api("kubernetes.example.com")).wait_for("s0", "DOWN L6RSP")


def test_a_certificate_of_an_unknown_ca_is_down(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    start_proxy(quick, start_api(issuer=authority())).wait_for("s0", "DOWN L6RSP")


def test_insecure_takes_any_certificate_but_not_any_status(
    start_api: StartApi, start_proxy: StartProxy, quick: Check
) -> None:
    api = start_api("kubernetes.example.com", issuer=authority())
    proxy = start_proxy(replace(quick, ca=None), api)
    proxy.wait_for("s0", "UP L7OK 200")
    api.status = 500
    proxy.wait_for("s0", "DOWN L7STS 500")


def test_scheme_http_asks_without_tls(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    api = start_api(None)
    proxy = start_proxy(replace(quick, scheme=Scheme.HTTP, ca=None), api)
    proxy.wait_for("s0", "UP L7OK 200")
    assert api.asked[0] == ("/readyz", "kubernetes")
    api.status = 500
    proxy.wait_for("s0", "DOWN L7STS 500")


def test_scheme_tcp_asks_for_a_connection_only(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    api = start_api()
    api.status = 500
    proxy = start_proxy(replace(quick, scheme=Scheme.TCP, ca=None), api)
    proxy.wait_for("s0", "UP L4OK")
    api.refuse()
    proxy.wait_for("s0", "DOWN L4CON")


@pytest.mark.parametrize("balance", Balance)
def test_a_server_that_refuses_while_still_up_costs_no_connection(
    balance: Balance, start_api: StartApi, start_proxy: StartProxy, quick: Check, ca: Authority
) -> None:
    """The check is slow here, so that HAProxy goes on believing in the dead server."""
    apis = [start_api() for _ in range(3)]
    proxy = start_proxy(replace(quick, interval=600), *apis, frontend=replace(FRONTEND, balance=balance))
    for name in ("s0", "s1", "s2"):
        proxy.wait_for(name, "UP L7OK")
    assert proxy.get(ca.pem) == 200
    victim = next(i for i in range(3) if proxy.server(f"s{i}")["stot"] == "1")  # the one that `source` stays with
    apis[victim].refuse()
    assert [proxy.get(ca.pem) for _ in range(12)] == [200] * 12
    assert proxy.state(f"s{victim}").startswith("UP")
    assert int(proxy.server(f"s{victim}")["wredis"]) > 0


def test_no_limit_keeps_a_silent_connection(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    """HAProxy counts its ticks in 32 bits: a limit that it took for one in the past would end the session at once."""
    proxy = start_proxy(replace(quick, scheme=Scheme.TCP, ca=None), start_api())
    proxy.wait_for("s0", "UP L4OK")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5):
        wait_until(lambda: "rx=23d23h" in proxy.command("show sess"), "a session that may be silent for 24 days")


def test_a_limit_ends_a_silent_connection(start_api: StartApi, start_proxy: StartProxy, quick: Check) -> None:
    limited = replace(FRONTEND, timeouts=Timeouts(client=0.2, server=0.2))
    proxy = start_proxy(replace(quick, scheme=Scheme.TCP, ca=None), start_api(), frontend=limited)
    proxy.wait_for("s0", "UP L4OK")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as silent:
        assert silent.recv(1) == b""
