"""Where the real Envoy listens, run without privileges on a node that holds no VIP."""

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
from tests.render.cases import AROUND, CASES, FRONTEND, VIP6, with_frontend
from tests.render.envoy import ENVOY, with_envoy
from tests.render.netns import inside, run, wait_until
from tests.render.test_haproxy_binds import NOBODY, place, sockets  # noqa: F401  # one is a fixture

pytestmark = pytest.mark.root

V6_BIND = with_frontend(replace(FRONTEND, bind=VIP6.address), CASES["ipv6-nodes"])


@contextmanager
def listening(config: Config, place: str) -> Iterator[None]:  # noqa: F811  # the fixture's value
    """Envoy, as halbd starts it; its first checks, before which it listens nowhere, are soon over."""
    with TemporaryDirectory(prefix="halbd-") as short:
        runtime = Path(short)
        (runtime / "proxy").mkdir()
        for folder in (runtime, runtime / "proxy"):
            os.chown(folder, 65534, 65534)
        soon = tuple(replace(one, check=replace(one.check, timeout=0.2)) for one in config.frontends)
        files = render(with_envoy(replace(config, frontends=soon)), replace(AROUND, runtime=runtime, state=runtime))
        generation = runtime / "generation"
        generation.mkdir()
        for file in files.files:
            (generation / file.name).write_text(file.text)
        (runtime / "current").symlink_to(generation)
        words = ["-c", str(runtime / "current" / "envoy.json"), "--disable-hot-restart", "--concurrency", "1"]
        process = subprocess.Popen(
            inside(place, *NOBODY, ENVOY, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )
        try:
            wait_until(lambda: bool(sockets(place)) or process.poll() is not None, "a listening socket")
            assert process.poll() is None
            yield
        finally:
            process.kill()
            process.wait()


def test_a_vip_is_bound_before_it_is_held_and_loopback_beside_it(place: str) -> None:  # noqa: F811  # the fixture
    wanted = {"10.10.50.4:6443", "127.0.0.1:6443", "10.10.50.6:6443", "127.0.0.2:6443"}
    with listening(CASES["vip-bind"], place):
        wait_until(lambda: sockets(place) == wanted, "its sockets")


@pytest.mark.parametrize(
    "config",
    [*(CASES[case] for case in ("default", "vip-bind", "ipv6-nodes", "dual-stack-multicast")), V6_BIND],
    ids=["default", "vip-bind", "ipv6-nodes", "dual-stack-multicast", "ipv6-bind"],
)
def test_every_frontend_can_be_asked_by_its_own_node(config: Config, place: str) -> None:  # noqa: F811  # the fixture
    with listening(config, place):
        for frontend in config.frontends:
            address = str(local_address(config, frontend))
            probe = f"import socket; socket.create_connection(({address!r}, {frontend.port})).close()"
            wait_until(lambda probe=probe: succeeds(place, probe), address)  # type: ignore[misc]  # bound now


def succeeds(place: str, script: str) -> bool:  # noqa: F811  # the fixture's value
    words = inside(place, "python3", "-c", script)
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_a_host_without_ipv6_starts(place: str) -> None:  # noqa: F811  # the fixture
    for interface in ("all", "default", "lo"):
        run(*inside(place, "sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=1"))
    with listening(CASES["default"], place):
        wait_until(lambda: sockets(place) == {"0.0.0.0:6443"}, "its socket")


def test_ipv6_is_served_where_the_cluster_uses_it(place: str) -> None:  # noqa: F811  # the fixture
    with listening(CASES["dual-stack-multicast"], place):
        wait_until(lambda: sockets(place) == {"*:6443"}, "its socket")
