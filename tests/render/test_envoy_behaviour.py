"""How the real Envoy judges servers and treats connections, with the rendered files."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace

from halbd.model.config import Check, Scheme, Timeouts
from tests.render.cases import FRONTEND, VIP, with_frontend
from tests.render.certificates import authority
from tests.render.conftest import TRUSTED, StartApi, StartEnvoy, in_front_of
from tests.render.envoy import DOWN, UP, closed
from tests.render.netns import run, wait_until
from tests.render.stand_in import get


def test_a_server_that_answers_200_is_up(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    api = start_api()
    envoy = start_envoy(in_front_of(quick, api))
    envoy.wait_for("s0", UP)
    assert get(envoy.port, TRUSTED.pem) == 200
    assert api.asked[0] == ("/readyz", "kubernetes")


def test_a_server_that_answers_500_is_down_and_connections_end_at_once(
    start_api: StartApi, start_envoy: StartEnvoy, quick: Check
) -> None:
    """With its panic threshold Envoy would send to dead servers where there are no others."""
    api = start_api()
    envoy = start_envoy(in_front_of(quick, api))
    envoy.wait_for("s0", UP)
    api.status = 500
    envoy.wait_for("s0", DOWN)
    assert closed(envoy.port)
    api.status = 200
    envoy.wait_for("s0", UP)
    assert get(envoy.port, TRUSTED.pem) == 200


def test_one_bad_status_is_not_enough(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    """Without retriable_statuses Envoy takes a server down at once, whatever `fall` says."""
    api = start_api()
    envoy = start_envoy(in_front_of(replace(quick, fall=3), api))
    envoy.wait_for("s0", UP)
    failures = "cluster.kube-apiserver.health_check.failure"
    before = envoy.stat(failures)
    api.status = 500
    envoy.wait_for("s0", DOWN)
    assert envoy.stat(failures) - before >= 3


def test_every_status_of_expect_passes_and_no_other(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    api = start_api()
    envoy = start_envoy(in_front_of(replace(quick, expect=(200, 401)), api))
    envoy.wait_for("s0", UP)
    api.status = 403
    envoy.wait_for("s0", DOWN)
    api.status = 401
    envoy.wait_for("s0", UP)


def test_a_certificate_is_verified(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    apis = (start_api("kubernetes.example.com"), start_api(issuer=authority()), start_api())
    envoy = start_envoy(in_front_of(quick, *apis))
    envoy.wait_for("s2", UP)
    assert (envoy.state("s0"), envoy.state("s1")) == (DOWN, DOWN)
    assert envoy.stat("cluster.kube-apiserver.ssl.fail_verify_san") > 0
    assert envoy.stat("cluster.kube-apiserver.ssl.fail_verify_error") > 0


def test_every_check_verifies_anew_and_speaks_tls_1_3(
    start_api: StartApi, start_envoy: StartEnvoy, quick: Check
) -> None:
    """A resumed session verifies nothing; and Envoy as a client stops at TLS 1.2 by default."""
    envoy = start_envoy(in_front_of(quick, start_api()))
    wait_until(lambda: envoy.stat("cluster.kube-apiserver.ssl.handshake") > 2, "three checks")
    assert envoy.stat("cluster.kube-apiserver.ssl.session_reused") == 0
    assert envoy.stat("cluster.kube-apiserver.ssl.versions.TLSv1.3") > 2


def test_a_standby_without_traffic_checks_as_often(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    """By default Envoy checks a cluster without traffic once a minute: twelve checks would outlast every deadline."""
    api = start_api()
    start_envoy(in_front_of(quick, api))
    wait_until(lambda: len(api.asked) > 12, "checks of a cluster that has never had traffic")


def test_insecure_takes_any_certificate_but_not_any_status(
    start_api: StartApi, start_envoy: StartEnvoy, quick: Check
) -> None:
    api = start_api("kubernetes.example.com", issuer=authority())
    envoy = start_envoy(in_front_of(replace(quick, ca=None), api))
    envoy.wait_for("s0", UP)
    api.status = 500
    envoy.wait_for("s0", DOWN)


def test_scheme_http_asks_without_tls(start_api: StartApi, start_envoy: StartEnvoy, quick: Check) -> None:
    api = start_api(None)
    envoy = start_envoy(in_front_of(replace(quick, scheme=Scheme.HTTP, ca=None), api))
    envoy.wait_for("s0", UP)
    assert api.asked[0] == ("/readyz", "kubernetes")
    api.status = 500
    envoy.wait_for("s0", DOWN)


def test_scheme_tcp_asks_for_a_connection_only(start_api: StartApi, start_envoy: StartEnvoy, tcp: Check) -> None:
    api = start_api()
    api.status = 500
    envoy = start_envoy(in_front_of(tcp, api))
    envoy.wait_for("s0", UP)
    api.refuse()
    envoy.wait_for("s0", DOWN)


def test_the_limit_of_connections_bites_and_can_be_raised(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    config = with_frontend(replace(in_front_of(tcp, start_api()).frontends[0], max_connections=1))
    envoy = start_envoy(config)
    with socket.create_connection(("127.0.0.1", envoy.port)):
        wait_until(lambda: envoy.stat("listener.frontend.kube-apiserver.downstream_cx_active") == 1, "the connection")
        assert closed(envoy.port)
        envoy.change(with_frontend(replace(config.frontends[0], max_connections=2)))
        assert get(envoy.port, TRUSTED.pem) == 200
    assert envoy.stat("listener_manager.listener_modified") == 0


def test_a_limit_ends_a_silent_connection(start_api: StartApi, start_envoy: StartEnvoy, tcp: Check) -> None:
    limited = replace(FRONTEND, timeouts=Timeouts(client=0.2))
    envoy = start_envoy(in_front_of(tcp, start_api(), frontend=limited))
    assert closed(envoy.port)


def test_no_limit_is_none_and_not_envoys_default_of_an_hour(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    envoy = start_envoy(in_front_of(tcp, start_api()))
    (config,) = json.loads(envoy.ask("/config_dump?resource=dynamic_listeners"))["configs"]
    (chain,) = config["active_state"]["listener"]["filter_chains"]
    assert chain["filters"][0]["typed_config"]["idle_timeout"] == "0s"


def test_keepalives_find_a_dead_peer_on_either_side(start_api: StartApi, start_envoy: StartEnvoy, tcp: Check) -> None:
    """30 s after the last word (ss(8): a timer that runs out within 30 s). Linux's own default is two hours."""
    api = start_api()
    envoy = start_envoy(in_front_of(replace(tcp, interval=600), api))
    with socket.create_connection(("127.0.0.1", envoy.port)):
        for end in (f"sport = :{envoy.port}", f"dport = :{api.port}"):
            wait_until(lambda end=end: timers(end) != [], end)  # type: ignore[misc]  # bound now
            for name, seconds in timers(end):
                assert (name, seconds <= 30) == ("keepalive", True)


def timers(end: str) -> list[tuple[str, float]]:
    """The timer of each established connection of that end, and the seconds that are left of it."""
    words = run("ss", "-Htno", "state", "established", end)
    found = re.findall(r"timer:\((\w+),(?:(\d+)min)?(?:([0-9.]+)sec)?(?:([0-9]+)ms)?", words)
    return [(name, 60 * int(m or 0) + float(s or 0) + int(ms or 0) / 1000) for name, m, s, ms in found]


def test_a_vip_is_bound_before_it_is_held_and_loopback_besides(
    start_api: StartApi, start_envoy: StartEnvoy, tcp: Check
) -> None:
    envoy = start_envoy(with_frontend(replace(in_front_of(tcp, start_api()).frontends[0], bind=VIP.address)))
    assert get(envoy.port, TRUSTED.pem) == 200
    assert str(VIP.address) in envoy.ask("/listeners")
