"""A node that sees no server lowers its priority: the VIP goes to one that sees some, and to no other."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.model.config import Config, Health, OnNoServers, Vip, Vrrp
from tests.keepalived.conftest import MakePair, start
from tests.keepalived.pair import FAILS, PASSES, LoadBalancer, moved
from tests.render.cases import CASES, CONFIG, VIP
from tests.render.netns import wait_until

pytestmark = pytest.mark.root

Pair = tuple[LoadBalancer, LoadBalancer]


def _lower(node: LoadBalancer, level: int, group: str = "lb1") -> None:
    """Push the level, until keepalived has taken it up."""
    changes = node.logged("Changing effective priority")
    node.push(f"no_servers.{group}", f"{level}\n")
    node.wait_for_log("Changing effective priority", changes + 1)


def test_a_blind_holder_gives_the_vip_to_a_node_that_sees_and_gets_it_back(running: Pair) -> None:
    holder, standby = running
    _lower(holder, 1)
    moved(holder, standby)
    _lower(holder, 2)
    assert standby.holds()
    _lower(holder, 0)
    moved(standby, holder)


def test_the_vip_stays_when_every_node_is_blind(running: Pair) -> None:
    """The log says so for the whole time: the holder entered MASTER once, the standby never."""
    holder, standby = running
    _lower(standby, 2)
    _lower(holder, 1)
    _lower(holder, 0)
    _lower(standby, 0)
    assert holder.holds()
    assert (holder.logged("Entering MASTER STATE"), standby.logged("Entering MASTER STATE")) == (1, 0)


def test_a_blind_holder_still_answers_to_a_fault(running: Pair) -> None:
    """A fault of its own outweighs the outage behind: a blind standby takes over from a broken holder."""
    holder, standby = running
    _lower(standby, 2)
    _lower(holder, 1)
    holder.push("fault", "1\n")
    moved(holder, standby)


def test_the_least_preferred_node_holds_against_the_preferred_when_both_are_blind(running: Pair) -> None:
    preferred, other = running
    preferred.push("fault", "1\n")
    moved(preferred, other)
    _lower(other, 1)
    preferred.push("no_servers.lb1", "2\n")
    backups = preferred.logged("Entering BACKUP STATE")
    preferred.push("fault", "0\n")
    preferred.wait_for_state("BACKUP", backups + 1)
    _outlive_a_takeover(other)
    assert other.holds()
    assert preferred.holds_none()


def _outlive_a_takeover(holder: LoadBalancer) -> None:
    """Several advert intervals, counted by what keepalived itself does: two more runs of its check, a second each."""
    runs = holder.script.with_name("runs")
    holder.script.write_text(PASSES.replace("    posix", f"    open({str(runs)!r}, 'a').write('x')\n    posix"))
    wait_until(lambda: runs.exists() and len(runs.read_text()) >= 2, "two runs of the check")


def test_each_group_moves_on_its_own(make_pair: MakePair) -> None:
    first, second = make_pair(CASES["two-groups"])
    first.start()
    second.start()
    wait_until(lambda: first.holds("lb1") and second.holds("lb2"), "each node with its own VIP")
    _lower(first, 1, "lb1")
    wait_until(lambda: second.holds() and first.holds_none(), "both VIPs on the second node")
    _lower(first, 0, "lb1")
    wait_until(lambda: first.holds("lb1") and second.holds("lb2"), "each node with its own VIP again")


OTHER_INTERFACE = Vip(ip_address("10.10.60.4"), 32, "ens224", 9, "lb1")


@pytest.mark.parametrize(
    "config",
    [CASES["dual-stack-multicast"], replace(CONFIG, vips=(VIP, OTHER_INTERFACE))],
    ids=["two families", "two interfaces"],
)
def test_a_sync_group_moves_as_one(config: Config, make_pair: MakePair) -> None:
    first, second = make_pair(config)
    start(first, second)
    _lower(first, 1)
    moved(first, second)
    _lower(first, 0)
    moved(second, first)
    first.push("fault", "1\n")
    moved(first, second)
    first.push("fault", "0\n")
    moved(second, first)
    first.script.write_text(FAILS)
    moved(first, second)


def test_with_ignore_there_is_nothing_to_lower(make_pair: MakePair) -> None:
    first, second = make_pair(
        replace(CONFIG, vrrp=Vrrp(preempt=False), health=Health(on_no_servers=OnNoServers.IGNORE))
    )
    start(first, second)
    assert not (first.track / "no_servers.lb1").exists()
    first.push("fault", "1\n")
    moved(first, second)
    backups = first.logged("Entering BACKUP STATE")
    first.push("fault", "0\n")
    first.wait_for_state("BACKUP", backups + 1)
    _outlive_a_takeover(first)
    assert second.holds()
