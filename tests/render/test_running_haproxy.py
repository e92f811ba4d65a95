"""The commands that change a running HAProxy, word by word."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.model.config import Scheme, Server
from halbd.render.haproxy import add_server, set_weight
from halbd.render.render import render
from tests.render.cases import AROUND, CHECK, FRONTEND, with_frontend

NEW = Server("cp3", "10.10.50.13", 6443, weight=5)


def test_a_new_server_is_added_with_all_that_those_of_the_file_have_and_then_enabled() -> None:
    assert add_server(FRONTEND, NEW) == (
        (
            "add server kube-apiserver/cp3 10.10.50.13:6443 check inter 2s fastinter 1s fall 2 rise 2 check-ssl "
            "verify required ca-file ca-kube-apiserver.crt verifyhost kubernetes weight 5"
        ),
        "enable health kube-apiserver/cp3",
        "enable server kube-apiserver/cp3",
    )


def test_a_new_backup_over_ipv6_checked_without_tls() -> None:
    plain = replace(FRONTEND, check=replace(CHECK, scheme=Scheme.TCP, ca=None, interval=0.5))
    added, *_ = add_server(plain, Server("cp4", "2001:db8::14", 6443, backup=True))
    assert added == (
        "add server kube-apiserver/cp4 [2001:db8::14]:6443 check inter 500ms fastinter 500ms fall 2 rise 2 "
        "weight 1 backup"
    )


def test_another_weight_is_one_command() -> None:
    assert set_weight(FRONTEND, NEW) == ("set server kube-apiserver/cp3 weight 5",)


@pytest.mark.parametrize("name", ["cp3;quit", "cp 3", "cp3\nshow info", ""])
def test_a_bad_name_adds_no_command(name: str) -> None:
    for command in (add_server, set_weight):
        with pytest.raises(ValueError, match="not a word"):
            command(FRONTEND, replace(NEW, name=name))


def test_an_address_of_this_node_is_bound_once() -> None:
    own = replace(FRONTEND, bind=ip_address("10.10.50.2"))
    text = render(with_frontend(own), AROUND).text("haproxy.cfg")
    assert [row.strip() for row in text.splitlines() if row.strip().startswith("bind ")] == [
        "bind 10.10.50.2:6443 tcp-ut 60s"
    ]
