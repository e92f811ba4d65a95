"""What a new config needs: the smallest action that makes it true."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from halbd.decide.change import LOW_PORT, OTHER_KIND, Change, change
from halbd.model.files import Surroundings
from halbd.render.render import render
from tests.sample import config

AROUND = Surroundings(Path("/run/halbd"), Path("/var/lib/halbd"), "root", ("/usr/bin/python3", "/usr/sbin/halbd-check"))


def to(**keys: Any) -> Change:
    old, new = config(), config(**keys)
    return change(old, render(old, AROUND), new, render(new, AROUND))


def envoy_to(**keys: Any) -> Change:
    """The same for a node that runs Envoy."""
    old, new = config(proxy={"kind": "envoy"}), config(**{"proxy": {"kind": "envoy"}} | keys)
    return change(old, render(old, AROUND), new, render(new, AROUND))


def frontend(**keys: Any) -> list[dict[str, Any]]:
    return [{"name": "kube-apiserver", "port": 6443, "servers": ["10.10.50.11:6443"], **keys}]


def test_the_same_file_needs_nothing() -> None:
    assert to().actions == ()
    assert to().warnings == ()


def test_a_removed_server_needs_a_reload_of_the_proxy_alone() -> None:
    one = to(frontends=frontend())
    assert (one.proxy_reload, one.servers, one.keepalived_reload, one.new_binds) == (True, (), False, ())


THREE = ["10.10.50.11:6443", "10.10.50.12:6443", "10.10.50.13:6443"]


def test_a_new_server_and_another_weight_go_into_the_running_proxy() -> None:
    heavy = {"name": THREE[0], "address": "10.10.50.11", "port": 6443, "weight": 5}
    one = to(frontends=frontend(servers=[heavy, *THREE[1:], "10.10.50.14:6443"]))
    assert not one.proxy_reload
    assert one.actions == (
        "add 10.10.50.14:6443 to kube-apiserver in the running proxy",
        "give 10.10.50.11:6443 of kube-apiserver weight 5 in the running proxy",
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"servers": [*THREE, "api4.example:6443"]},
        {"servers": [{"name": THREE[0], "address": "10.10.50.19", "port": 6443}, *THREE[1:]]},
        {"servers": [*THREE, "10.10.50.14:6443"], "balance": "leastconn"},
        {"servers": [{"name": THREE[0], "address": "10.10.50.11", "port": 6443, "backup": True}, *THREE[1:]]},
    ],
    ids=["host name", "other address", "and another key", "now a backup"],
)
def test_all_else_about_servers_needs_a_reload(keys: dict[str, Any]) -> None:
    one = to(frontends=frontend(**keys))
    assert (one.proxy_reload, one.servers) == (True, ())


def test_a_new_port_is_looked_at_before_the_reload() -> None:
    assert to(frontends=frontend(port=7443)).new_binds == ((ip_address("0.0.0.0"), 7443),)


def test_halbds_own_timings_need_neither() -> None:
    assert to(health={"interval": 2, "timeout": 1}).actions == ()


def test_what_peers_must_share_is_named_with_the_order_to_roll_it_out() -> None:
    one = to(vrrp={"advert_int": 0.5})
    assert (one.proxy_reload, one.servers, one.keepalived_reload) == (False, (), True)
    assert "vrrp.advert_int must be the same on every node" in one.warnings[0]
    assert "drain the standbys, reload the holder" in one.warnings[0]


def test_what_only_a_restart_takes_up_is_named() -> None:
    assert "proxy.user" in to(proxy={"user": "nobody"}).warnings[0]


ENVOY = "see the running Envoy take up its new files (it does so by itself: no connection is lost)"


@pytest.mark.parametrize(
    "keys",
    [{"servers": [*THREE, "10.10.50.14:6443"]}, {"servers": THREE[:1]}, {"balance": "leastconn"}],
    ids=["a server more", "servers less", "another balance"],
)
def test_envoy_takes_up_everything_by_itself(keys: dict[str, Any]) -> None:
    one = envoy_to(frontends=frontend(**keys))
    assert (one.actions, one.servers, one.warnings) == ((ENVOY,), (), ())


@pytest.mark.parametrize("keys", [{"cluster": "other"}, {"proxy": {"kind": "envoy", "binary": "/opt/envoy"}}])
def test_what_envoy_does_not_read_again_needs_another_one(keys: dict[str, Any]) -> None:
    """Its bootstrap names cluster and node."""
    one = envoy_to(**keys)
    assert one.warnings == ()
    assert one.actions == ("hand over to a new Envoy (established connections stay with the old one until they end)",)


def test_another_account_for_envoy_waits_for_a_restart() -> None:
    """Two users cannot share a port (socket(7), SO_REUSEPORT)."""
    one = envoy_to(proxy={"kind": "envoy", "user": "nobody"})
    assert (one.hand_over, one.actions) == (False, ())
    assert one.warnings == ("proxy.user take effect when halbd is restarted",)


def test_halbds_own_timings_do_not_concern_envoy() -> None:
    assert envoy_to(health={"interval": 2, "timeout": 1}).actions == ()


def test_a_first_port_below_1024_needs_another_process() -> None:
    """A capability is given at the start (capabilities(7))."""
    low = frontend(port=443)
    one = to(frontends=low)
    assert (one.refused, one.actions) == (LOW_PORT, ())
    assert LOW_PORT in one.warnings
    assert envoy_to(frontends=low).hand_over
    for kind in ("haproxy", "envoy"):
        old, new = (config(frontends=frontend(port=port), proxy={"kind": kind}) for port in (443, 444))
        two = change(old, render(old, AROUND), new, render(new, AROUND))
        assert (two.refused, two.hand_over) == ("", False)


def places(*binds: tuple[str, str, int]) -> list[dict[str, Any]]:
    return [{"name": name, "bind": bind, "port": port, "servers": THREE} for name, bind, port in binds]


A, B, C = "10.10.50.2", "10.10.50.4", "127.0.0.9"


@pytest.mark.parametrize(
    ("before", "after", "another"),
    [
        ([("x", A, 1025), ("y", C, 1025)], [("x", C, 1025), ("y", A, 1025)], True),
        ([("x", A, 1025)], [("x", C, 1025), ("y", A, 1025)], True),
        ([("x", A, 1025), ("y", C, 1025)], [("x", C, 1025)], False),
        ([("x", A, 1025), ("y", A, 1026)], [("x", A, 1026), ("y", A, 1025)], False),
        ([("x", A, 1025), ("y", C, 1025)], [("y", C, 1025), ("x", A, 1025)], False),
        ([("x", A, 1025)], [("x", C, 1025)], False),
    ],
    ids=["two trade places", "one moves in", "into one that goes", "two trade ports", "another order", "one moves"],
)
def test_no_running_envoy_lets_frontends_trade_places(
    before: list[tuple[str, str, int]], after: list[tuple[str, str, int]], another: bool
) -> None:
    old, new = (config(proxy={"kind": "envoy"}, frontends=places(*one)) for one in (before, after))
    assert change(old, render(old, AROUND), new, render(new, AROUND)).hand_over is another


def test_frontends_of_two_vips_on_one_port_trade_their_loopback_addresses_with_their_places_in_the_file() -> None:
    """127.0.0.1 is the first one's, and a second one's on the same port is 127.0.0.2."""
    vips = [{"address": B}, {"address": "10.10.50.5"}]
    first, second = places(("x", B, 1025), ("y", "10.10.50.5", 1025))
    old, new = (config(proxy={"kind": "envoy"}, vips=vips, frontends=one) for one in ([first, second], [second, first]))
    assert change(old, render(old, AROUND), new, render(new, AROUND)).hand_over


def test_another_kind_of_proxy_is_refused_while_one_runs() -> None:
    one = to(proxy={"kind": "envoy"})
    assert (one.refused, one.actions) == (OTHER_KIND, ())
    assert OTHER_KIND in one.warnings


def test_another_vip_or_frontend_needs_a_reload() -> None:
    """HAProxy binds it, and its new servers cannot be told apart from those of a frontend it does not have."""
    added = {"servers": [*THREE, "10.10.50.14:6443"]}
    second = {"name": "second", "port": 7443, "servers": THREE}
    for keys in ({"vips": [{"address": "10.10.50.5"}]}, {"frontends": [*frontend(**added), second]}):
        one = to(**({"frontends": frontend(**added)} | keys))
        assert (one.proxy_reload, one.servers) == (True, ())


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"vips": [{"address": "10.10.50.5"}]}, "vips"),
        ({"vrrp": {"version": 2, "advert_int": 1}}, "vrrp.advert_int, vrrp.version"),
        ({"vrrp": {"unicast": False}}, "vrrp.unicast"),
        ({"nodes": [{"name": f"lb{i}", "address": f"10.10.50.{i + 1}"} for i in (1, 2, 9)]}, "nodes"),
    ],
)
def test_each_thing_that_peers_must_share_is_named(keys: dict[str, Any], named: str) -> None:
    (warning,) = to(**keys).warnings
    assert warning == (
        f"{named} must be the same on every node: put the new file on all nodes, drain the standbys, reload the "
        "holder, reload the standbys, undrain them; without the drain two nodes hold a VIP until the last one has it"
    )


def test_a_password_must_be_shared_and_is_not_shown() -> None:
    old = config(vrrp={"version": 2, "advert_int": 1})
    new = replace(old, vrrp=replace(old.vrrp, auth_pass="s3cret_7"))  # noqa: S106  # nobody's
    (warning,) = change(old, render(old, AROUND), new, render(new, AROUND)).warnings
    assert warning.startswith("vrrp.auth_pass_file must be the same")
    assert "s3cret" not in warning


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"proxy": {"binary": "/opt/haproxy"}}, "proxy.binary"),
        ({"keepalived": {"manage": "child"}}, "keepalived"),
        ({"log": {"level": "debug"}, "proxy": {"user": "nobody"}}, "proxy.user, log"),
    ],
)
def test_each_thing_that_only_a_restart_takes_up_is_named(keys: dict[str, Any], named: str) -> None:
    assert to(**keys).warnings == (f"{named} take effect when halbd is restarted",)


def test_servers_of_two_frontends_change_together() -> None:
    second = {"name": "second", "port": 7443, "servers": THREE}
    old = config(frontends=[*frontend(servers=THREE), second])
    light = {"name": THREE[0], "address": "10.10.50.11", "port": 6443, "weight": 0}
    new = config(frontends=[*frontend(servers=[*THREE, "10.10.50.14:6443"]), second | {"servers": [light, *THREE[1:]]}])
    one = change(old, render(old, AROUND), new, render(new, AROUND))
    assert [(each.frontend.name, each.server.name, each.new) for each in one.servers] == [
        ("kube-apiserver", "10.10.50.14:6443", True),
        ("second", THREE[0], False),
    ]
