"""A reload by SIGHUP, also of a file that keepalived cannot use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from halbd.model.config import Health, OnNoServers
from tests.keepalived.conftest import MakePair, start
from tests.keepalived.pair import LoadBalancer, moved
from tests.render.cases import CASES

pytestmark = pytest.mark.root

Pair = tuple[LoadBalancer, LoadBalancer]


def _no_such_interface(text: str) -> str:
    return text.replace("interface ens192", "interface ens999")


def _unterminated_quote(text: str) -> str:
    return text.replace('halbd.sock"', "halbd.sock")


def _missing_brace(text: str) -> str:
    return text.rstrip().removesuffix("}")


def _unknown_word(text: str) -> str:
    return text.replace("advert_int", "advertise_every")


BAD_FILES: dict[Callable[[str], str], str] = {
    _no_such_interface: "New config failed validation",
    _missing_brace: "New config failed validation",
    _unknown_word: "New config failed validation",
    _unterminated_quote: "reload_check exited due to segmentation fault",
}


@pytest.mark.parametrize("spoil", BAD_FILES)
def test_a_reload_of_a_bad_file_changes_nothing(running: Pair, spoil: Callable[[str], str]) -> None:
    """`reload_check_config`: without it some of these end keepalived and leave the VIP behind."""
    holder, standby = running
    holder.file.write_text(spoil(holder.file.read_text()))
    holder.reload()
    holder.wait_for_log(BAD_FILES[spoil])
    assert holder.holds()
    assert (holder.logged("Entering MASTER STATE"), standby.logged("Entering MASTER STATE")) == (1, 0)
    holder.write()
    holder.reload()
    holder.wait_for_log("Reload complete")
    assert holder.holds()


def test_a_reload_of_a_good_file_drops_nothing(running: Pair) -> None:
    holder, standby = running
    holder.config = replace(holder.config, health=Health(on_no_servers=OnNoServers.IGNORE))
    holder.write()
    holder.reload()
    holder.wait_for_log("Reload complete")
    assert holder.holds()
    assert standby.logged("Entering MASTER STATE") == 0
    holder.push("fault", "1\n")
    moved(holder, standby)


@pytest.mark.parametrize("case", ["version-2-with-password", "ipv6-nodes"])
def test_the_vip_moves_with_every_form_of_vrrp(case: str, make_pair: MakePair) -> None:
    first, second = make_pair(CASES[case])
    start(first, second)
    first.push("fault", "1\n")
    moved(first, second)
