"""What a new config needs: the smallest action that makes it true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from halbd.decide.change import Change, change
from halbd.model.files import Surroundings
from halbd.render.render import render
from tests.sample import config

AROUND = Surroundings(Path("/run/halbd"), Path("/var/lib/halbd"), "root", ("/usr/bin/python3", "/usr/sbin/halbd-check"))


def to(**keys: Any) -> Change:
    old, new = config(), config(**keys)
    return change(old, render(old, AROUND), new, render(new, AROUND))


def frontend(**keys: Any) -> list[dict[str, Any]]:
    return [{"name": "kube-apiserver", "port": 6443, "servers": ["10.10.50.11:6443"], **keys}]


def test_the_same_file_needs_nothing() -> None:
    assert to().actions == ()
    assert to().warnings == ()


def test_servers_need_the_proxy_alone() -> None:
    one = to(frontends=frontend())
    assert (one.proxy_reload, one.keepalived_reload, one.new_binds) == (True, False, ())


def test_a_new_port_is_looked_at_before_the_reload() -> None:
    assert to(frontends=frontend(port=7443)).new_binds == ((None, 7443),)


def test_halbds_own_timings_need_neither() -> None:
    assert to(health={"interval": 2, "timeout": 1}).actions == ()


def test_what_peers_must_share_is_named_with_the_order_to_roll_it_out() -> None:
    one = to(vrrp={"advert_int": 0.5})
    assert (one.proxy_reload, one.keepalived_reload) == (False, True)
    assert "vrrp.advert_int must be the same on every node" in one.warnings[0]
    assert "standbys first" in one.warnings[0]


def test_what_only_a_restart_takes_up_is_named() -> None:
    assert "proxy.user" in to(proxy={"user": "nobody"}).warnings[0]
