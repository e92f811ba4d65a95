"""Stand-in API servers and a proxy in front of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

import pytest

from halbd.model.config import Check, Config, Frontend, Scheme, Server
from tests.render.cases import CHECK, FRONTEND, with_frontend
from tests.render.certificates import Authority, authority
from tests.render.envoy import Envoy, envoy
from tests.render.stand_in import ApiServer, Proxy, free_port, haproxy

TRUSTED = authority()

StartApi: TypeAlias = Callable[..., ApiServer]
StartProxy: TypeAlias = Callable[..., Proxy]
StartEnvoy: TypeAlias = Callable[..., Envoy]


@pytest.fixture(scope="session")
def ca() -> Authority:
    """The CA that the proxy is told to trust."""
    return TRUSTED


@pytest.fixture
def quick(ca: Authority) -> Check:
    """A check that judges within a fraction of a second."""
    return replace(CHECK, ca=ca.pem, interval=0.1, timeout=1)


@pytest.fixture
def tcp(quick: Check) -> Check:
    """A check that asks for a connection only."""
    return replace(quick, scheme=Scheme.TCP, ca=None)


@pytest.fixture
def start_api(ca: Authority, tmp_path: Path) -> Iterator[StartApi]:
    """Starts a stand-in API server whose certificate carries `server_name`; None: without TLS."""
    with ExitStack() as stack:

        def start(server_name: str | None = "kubernetes", issuer: Authority = ca) -> ApiServer:
            api = ApiServer(issuer.issue(server_name, tmp_path) if server_name else None)
            stack.callback(api.refuse)
            return api

        yield start


def in_front_of(check: Check, *apis: ApiServer, frontend: Frontend = FRONTEND) -> Config:
    """One frontend on a free port of loopback; the servers are named s0, s1 and so on."""
    servers = tuple(Server(f"s{i}", "127.0.0.1", api.port) for i, api in enumerate(apis))
    bind = ip_address("127.0.0.1")
    port = free_port()
    return with_frontend(replace(frontend, bind=bind, port=port, max_connections=100, servers=servers, check=check))


@pytest.fixture
def start_proxy(tmp_path: Path) -> Iterator[StartProxy]:
    """Starts HAProxy with what `in_front_of` makes."""
    with ExitStack() as stack:

        def start(check: Check, *apis: ApiServer, frontend: Frontend = FRONTEND) -> Proxy:
            return stack.enter_context(haproxy(in_front_of(check, *apis, frontend=frontend), tmp_path))

        yield start


@pytest.fixture
def start_envoy(tmp_path: Path) -> Iterator[StartEnvoy]:
    """Starts Envoy with that config."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(envoy(config, tmp_path))
