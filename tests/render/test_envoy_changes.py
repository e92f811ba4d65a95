"""What a change of the files does to the real Envoy that runs with them."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from halbd.model.config import Check, Config, Frontend
from tests.render.cases import with_frontend
from tests.render.certificates import authority
from tests.render.conftest import TRUSTED, StartApi, StartEnvoy, in_front_of
from tests.render.envoy import DOWN, UP
from tests.render.netns import wait_until
from tests.render.stand_in import free_port, get


@pytest.fixture
def two(start_api: StartApi, tcp: Check) -> Config:
    """A frontend with two servers."""
    return in_front_of(tcp, start_api(), start_api())


def only(config: Config, server: int) -> Config:
    """The config with that one server alone."""
    frontend = config.frontends[0]
    return with_frontend(replace(frontend, servers=(frontend.servers[server],)))


def test_changed_servers_touch_neither_listener_nor_connections(start_envoy: StartEnvoy, two: Config) -> None:
    envoy = start_envoy(two)
    with socket.create_connection(("127.0.0.1", envoy.port), timeout=5) as watch:
        wait_until(lambda: envoy.stat("cluster.kube-apiserver.upstream_cx_active") == 1, "the connection")
        for server in (0, 1):
            envoy.change(only(two, server))
            assert [host["hostname"] for host in envoy.hosts()] == [f"s{server}"]
        assert get(envoy.port, TRUSTED.pem) == 200
        watch.setblocking(False)
        with pytest.raises(BlockingIOError):  # neither data nor an end
            watch.recv(1)
    assert envoy.stat("listener_manager.listener_modified") == 0
    assert envoy.stat("cluster_manager.cluster_modified") == 0


def test_of_many_changes_in_a_row_the_last_is_in_force(start_envoy: StartEnvoy, two: Config) -> None:
    """Each is one rename of a symbolic link; Envoy reads what it finds and misses no end of a series."""
    envoy = start_envoy(two)
    files = [envoy.render(only(two, number % 2)) for number in range(101)]
    for one in files[:-1]:
        envoy.put(one)
    envoy.change(only(two, 0))
    assert [host["hostname"] for host in envoy.hosts()] == ["s0"]


def test_another_ca_is_taken_up(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    other = authority()
    config = in_front_of(quick, start_api(issuer=other))
    envoy = start_envoy(config)
    envoy.wait_for("s0", DOWN)
    envoy.change(with_frontend(replace(config.frontends[0], check=replace(quick, ca=other.pem))))
    envoy.wait_for("s0", UP)


def test_a_frontend_comes_and_goes_and_the_other_loses_nothing(start_envoy: StartEnvoy, two: Config) -> None:
    envoy = start_envoy(two)
    second: Frontend = replace(two.frontends[0], name="second", port=free_port())
    with socket.create_connection(("127.0.0.1", envoy.port), timeout=5) as watch:
        wait_until(lambda: envoy.stat("cluster.kube-apiserver.upstream_cx_active") == 1, "the connection")
        envoy.change(replace(two, frontends=(*two.frontends, second)))
        wait_until(lambda: not closed_or_refused(second.port), "the second frontend")
        envoy.change(two)
        wait_until(lambda: closed_or_refused(second.port), "no second frontend")
        watch.setblocking(False)
        with pytest.raises(BlockingIOError):
            watch.recv(1)


def closed_or_refused(port: int) -> bool:
    """Whether there is no way through that port."""
    try:
        return get(port, TRUSTED.pem) != 200
    except OSError:
        return True
