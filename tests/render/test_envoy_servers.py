"""Which servers the real Envoy gives connections to, with the rendered files."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from halbd.model.config import Balance, Check, Server, Timeouts
from tests.render.cases import FRONTEND, with_frontend
from tests.render.conftest import TRUSTED, StartApi, StartEnvoy, in_front_of
from tests.render.envoy import ASIDE, DOWN, UP, Envoy, closed
from tests.render.netns import wait_until
from tests.render.stand_in import ApiServer, get

REFUSED = "cluster.kube-apiserver.upstream_cx_connect_fail"


def traffic(envoy: Envoy, *apis: ApiServer) -> list[int]:
    """How many of 12 connections went to each server, whose check is on connections only."""
    for api in apis:
        api.asked.clear()
    statuses = [get(envoy.port, TRUSTED.pem) for _ in range(12)]
    assert statuses == [200] * 12
    return [len(api.asked) for api in apis]


@pytest.mark.parametrize("balance", Balance)
def test_servers_that_refuse_while_still_up_cost_no_connection(
    balance: Balance, start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    """The check is slow here, so that Envoy goes on believing in the dead: one after the other, two of three."""
    apis = [start_api() for _ in range(3)]
    frontend = replace(FRONTEND, balance=balance)
    envoy = start_envoy(in_front_of(replace(tcp, interval=600), *apis, frontend=frontend))
    for _ in range(2):
        counts, before = traffic(envoy, *apis), envoy.stat(REFUSED)
        victim = counts.index(max(counts))  # the one that `source` stays with
        apis[victim].refuse()
        wait_until(partial(tried, envoy, apis, victim, before), "a try at the dead one")  # `leastconn` takes any two


def tried(envoy: Envoy, apis: list[ApiServer], victim: int, before: int) -> bool:
    """Whether Envoy has tried a dead server first, for one of twelve more connections: all of them went elsewhere."""
    assert traffic(envoy, *apis)[victim] == 0
    return envoy.stat(REFUSED) > before


def test_a_server_that_refuses_again_and_again_is_put_aside_but_never_the_last(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    """A fault of this node's own network looks as if every server refused."""
    apis = [start_api() for _ in range(2)]
    envoy = start_envoy(in_front_of(replace(tcp, interval=600), *apis))
    for api in apis:
        api.refuse()
    wait_until(lambda: closed(envoy.port) and ASIDE in states(envoy), "one that is put aside")
    assert [closed(envoy.port) for _ in range(3)] == [True] * 3
    assert sorted(states(envoy)) == [UP, ASIDE]


def test_a_server_that_is_put_aside_keeps_its_connections(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    """Its checks call it up: it only takes no more for the moment, as one whose queue is full."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        config = in_front_of(replace(tcp, interval=600), start_api())
        servers = (Server("busy", "127.0.0.1", busy.getsockname()[1]), *config.frontends[0].servers)
        envoy = start_envoy(with_frontend(replace(config.frontends[0], servers=servers)))
        busy.accept()[0].close()  # the check
        # Each of Envoy's threads takes the servers in turn from a place of its own: the first two may go to one.
        clients = list(connecting(envoy.port, until=busy))
        watch, _ = busy.accept()
    wait_until(lambda: get(envoy.port, TRUSTED.pem) == 200 and envoy.state("busy") == ASIDE, "put aside")
    watch.sendall(b"still there")
    (client, *_), _, _ = select.select(clients, [], [], 20)
    assert client.recv(20) == b"still there"
    for one in (watch, *clients):
        one.close()


def connecting(port: int, until: socket.socket) -> Iterator[socket.socket]:
    """Clients, one after the other, till one of them has reached the server that listens here; twenty at most."""
    for _ in range(20):
        yield socket.create_connection(("127.0.0.1", port), timeout=20)
        if select.select([until], [], [], 1)[0]:
            return
    raise AssertionError("twenty clients, and none of them at this server")


def states(envoy: Envoy) -> list[str]:
    """What Envoy thinks of the two servers."""
    return [envoy.state("s0"), envoy.state("s1")]


def test_backups_serve_only_when_all_before_them_are_down(
    start_api: StartApi, start_envoy: StartEnvoy, quick: Check
) -> None:
    apis = [start_api() for _ in range(4)]
    config = in_front_of(quick, *apis)
    first, second, third, fourth = config.frontends[0].servers
    servers = (first, replace(second, backup=True), third, replace(fourth, backup=True))
    envoy = start_envoy(with_frontend(replace(config.frontends[0], servers=servers)))
    for name in ("s0", "s1", "s2", "s3"):
        envoy.wait_for(name, UP)
    assert served(envoy) == {"s0", "s2"}
    for down, up in ((0, {"s2"}), (2, {"s1"}), (1, {"s3"})):
        apis[down].status = 500
        envoy.wait_for(f"s{down}", DOWN)
        assert served(envoy) == up


def served(envoy: Envoy) -> set[str]:
    """Which servers twelve new connections went to."""
    before = {host["hostname"]: total(host) for host in envoy.hosts()}
    assert [get(envoy.port, TRUSTED.pem) for _ in range(12)] == [200] * 12
    return {host["hostname"] for host in envoy.hosts() if total(host) > before[host["hostname"]]}


def total(host: dict[str, list[dict[str, str]]]) -> int:
    """The connections of clients that a server has had."""
    return next(int(stat.get("value", 0)) for stat in host["stats"] if stat["name"] == "cx_total")


def test_weights_share_out_the_connections_and_0_takes_none(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    apis = [start_api() for _ in range(3)]
    config = in_front_of(tcp, *apis)
    weights = zip(config.frontends[0].servers, (3, 1, 0), strict=True)
    servers = tuple(replace(server, weight=weight) for server, weight in weights)
    envoy = start_envoy(with_frontend(replace(config.frontends[0], servers=servers)))
    counts = traffic(envoy, *apis)
    assert counts[0] > counts[1] > 0
    assert counts[2] == 0
    assert envoy.state("s2") == "DRAINING"


def test_a_server_given_by_name_stands_beside_one_given_by_address(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    apis = [start_api() for _ in range(2)]
    config = in_front_of(tcp, *apis)
    servers = (replace(config.frontends[0].servers[0], address="localhost"), config.frontends[0].servers[1])
    envoy = start_envoy(with_frontend(replace(config.frontends[0], servers=servers)))
    envoy.wait_for("s0", UP)
    assert all(traffic(envoy, *apis))
    assert "eprecated" not in envoy.log()


def test_connections_that_wait_for_a_silent_server_go_to_another(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    """A full queue drops every SYN (tcp(7), listen(2)), as a server without power does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        api = start_api()
        frontend = in_front_of(replace(tcp, interval=600), api, frontend=replace(FRONTEND, timeouts=Timeouts(0.3)))
        servers = (Server("silent", "127.0.0.1", port), *frontend.frontends[0].servers)
        fill = [socket.socket() for _ in range(4)]
        envoy = start_envoy(with_frontend(replace(frontend.frontends[0], servers=servers)))
        assert envoy.state("silent") == UP
        for one in fill:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        assert [get(envoy.port, TRUSTED.pem) for _ in range(4)] == [200] * 4
        assert envoy.stat("cluster.kube-apiserver.upstream_cx_connect_timeout") > 0
        for one in fill:
            one.close()
