"""Values at the edge of a rule: they take one side of it, and no golden file shows it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.model.config import Proxy, ProxyKind, Timeouts, Vrrp
from halbd.render.render import render
from tests.render.cases import AROUND, CONFIG, FRONTEND, VIP6, with_frontend


def test_an_interval_that_can_be_halved_only_is_sent_twice_as_often() -> None:
    text = render(replace(CONFIG, vrrp=Vrrp(advert_int=0.22)), AROUND).text("keepalived.conf")
    assert "advert_int 0.11\n" in text
    assert "down_timer_adverts" in text


def test_a_second_of_preempt_delay_is_one() -> None:
    assert "preempt_delay 1\n" in render(replace(CONFIG, vrrp=Vrrp(preempt_delay=1)), AROUND).text("keepalived.conf")


def test_haproxy_listens_on_an_ipv6_address_in_brackets() -> None:
    text = render(with_frontend(replace(FRONTEND, bind=VIP6.address), replace(CONFIG, vips=(VIP6,))), AROUND)
    assert "bind [2001:db8::4]:6443 transparent" in text.text("haproxy.cfg")
    elsewhere = with_frontend(replace(FRONTEND, bind=ip_address("2001:db8::9")))
    assert "bind [2001:db8::9]:6443 tcp-ut" in render(elsewhere, AROUND).text("haproxy.cfg")


@pytest.mark.parametrize(("client", "server", "idle"), [(0, 30, "30s"), (30, 0, "30s"), (1, 30, "1s"), (0, 0, "0s")])
def test_the_shorter_limit_of_silence_holds_for_envoy_and_none_is_none(client: int, server: int, idle: str) -> None:
    frontend = replace(FRONTEND, timeouts=Timeouts(client=client, server=server))
    one = replace(with_frontend(frontend), proxy=Proxy(kind=ProxyKind.ENVOY))
    files = render(one, AROUND)
    texts = [files.text(file.name) for file in files.files if "idle_timeout" in files.text(file.name)]
    assert [f'"idle_timeout": "{idle}"' in text for text in texts] == [True, True]
