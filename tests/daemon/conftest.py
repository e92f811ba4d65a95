"""Nodes for a test, or for all tests of a file that leave it as they found it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from halbd.lab.certs import Authority
from halbd.model.config import Proxy, ProxyKind
from halbd.system.programs import proxy_binary
from tests.daemon.neighbour import neighbour
from tests.daemon.node import Node, bare_node, running_node
from tests.keepalived.pair import LoadBalancer

both = pytest.mark.parametrize("kind", list(ProxyKind), indirect=True, scope="module")
"""The test, or the file, holds for either proxy."""

_numbers = count()


def fresh_name() -> str:
    """A namespace name that nobody else uses."""
    return f"hbt{os.getpid()}n{next(_numbers)}"


def program(node: Node) -> str:
    """The proxy's program on this machine."""
    return proxy_binary(Proxy(kind=node.kind))


@pytest.fixture(scope="session")
def ca() -> Authority:
    """Signs the certificates of the stand-in API servers."""
    return Authority()


@pytest.fixture(scope="module")
def kind(request: pytest.FixtureRequest) -> ProxyKind:
    """The proxy: HAProxy, but where a test or a file is marked with `both`."""
    return ProxyKind(getattr(request, "param", ProxyKind.HAPROXY))


@pytest.fixture
def bare(ca: Authority, kind: ProxyKind) -> Iterator[Node]:
    """A node on which nothing runs yet."""
    with bare_node(fresh_name(), ca, kind) as node:
        yield node


@pytest.fixture
def standby(bare: Node) -> Iterator[LoadBalancer]:
    """The other one; `bare` is master and well."""
    with neighbour(bare) as other:
        bare.start_servers()
        bare.start()
        bare.until_master()
        other.start()
        other.wait_for_state("BACKUP")
        yield other


@pytest.fixture
def node(ca: Authority, kind: ProxyKind) -> Iterator[Node]:
    """A node that is master, for this test alone."""
    with running_node(fresh_name(), ca, kind) as node:
        yield node


@pytest.fixture(scope="module")
def shared(ca: Authority, kind: ProxyKind) -> Iterator[Node]:
    """A node that is master, for all tests of the file."""
    with running_node(fresh_name(), ca, kind) as node:
        yield node


@pytest.fixture
def usual(shared: Node) -> Iterator[Node]:
    """The node, before and after on the usual file; no test may cost it the VIP, its proxy or its keepalived."""
    before = (shared.proxy["pid"], shared.status["keepalived"]["pid"], len(shared.status["transitions"]))
    yield shared
    shared.write()
    assert shared.reload().status == 200
    shared.until_master()
    status = shared.status
    assert (status["proxy"]["pid"], status["keepalived"]["pid"], len(status["transitions"])) == before


@pytest.fixture
def binary(bare: Node) -> Path:
    """The proxy's program by a name of its own, so that it can be taken away; the node is master."""
    name = bare.folder / "proxy"
    name.symlink_to(program(bare))
    bare.write(proxy={"binary": str(name)})
    bare.start_servers()
    bare.start()
    bare.until_master()
    return name
