"""Where the real HAProxy listens, run without privileges on a node that holds no VIP."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from halbd.decide.listen import local_address
from halbd.model.config import Config
from halbd.render.render import render
from tests.render.cases import AROUND, CASES
from tests.render.netns import inside, namespace, run, wait_until
from tests.render.stand_in import HAPROXY, Proxy

pytestmark = pytest.mark.root

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs")


@pytest.fixture
def place() -> Iterator[str]:
    """An empty namespace: no address but loopback."""
    with namespace(f"halbd-bind-{os.getpid()}") as name:
        yield name


@contextmanager
def listening(config: Config, place: str) -> Iterator[set[str]]:
    """The sockets that HAProxy listens on, as ss(8) writes them."""
    with TemporaryDirectory(prefix="halbd-") as short:
        runtime = Path(short)
        (runtime / "proxy").mkdir()
        for folder in (runtime, runtime / "proxy"):
            os.chown(folder, 65534, 65534)
        few = tuple(replace(frontend, max_connections=100) for frontend in config.frontends)
        for file in render(replace(config, frontends=few), replace(AROUND, runtime=runtime)).files:
            (runtime / file.name).write_text(file.text)
        words = inside(place, *NOBODY, HAPROXY, "-db", "-f", str(runtime / "haproxy.cfg"))
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd="/")  # as halbd starts it
        try:
            admin = Proxy(runtime / "proxy" / "admin.sock", 0, runtime / "log")  # it answers when all is bound
            wait_until(lambda: bool(admin.command("show info")) or process.poll() is not None, "its admin socket")
            assert process.poll() is None
            yield sockets(place)
        finally:
            process.kill()
            process.wait()


def sockets(place: str) -> set[str]:
    return {row.split()[3] for row in run(*inside(place, "ss", "-ltnH")).splitlines()}


def test_a_vip_is_bound_before_it_is_held_and_loopback_beside_it(place: str) -> None:
    with listening(CASES["vip-bind"], place) as found:
        assert found == {"10.10.50.4:6443", "127.0.0.1:6443", "10.10.50.6:6443", "127.0.0.2:6443"}


@pytest.mark.parametrize("case", ["default", "vip-bind", "ipv6-nodes", "dual-stack-multicast"])
def test_every_frontend_can_be_asked_by_its_own_node(case: str, place: str) -> None:
    config = CASES[case]
    with listening(config, place):
        for frontend in config.frontends:
            address = str(local_address(config, frontend))
            probe = f"import socket; socket.create_connection(({address!r}, {frontend.port})).close()"
            run(*inside(place, "python3", "-c", probe))


def test_a_host_without_ipv6_starts(place: str) -> None:
    for interface in ("all", "default", "lo"):
        run(*inside(place, "sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=1"))
    with listening(CASES["default"], place) as found:
        assert found == {"0.0.0.0:6443"}


def test_ipv6_is_served_where_the_cluster_uses_it(place: str) -> None:
    with listening(CASES["dual-stack-multicast"], place) as found:
        assert found == {"*:6443"}
