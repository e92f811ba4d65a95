"""halbctl doctor on a real node: a namespace with a peer and servers on the other end of its wire."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from halbd.lab.certs import Authority
from tests.cli.conftest import Run
from tests.cli.site import LB1, LB2, SERVER, STRANGER, VIP, Site, document, keepalived
from tests.render.netns import add_address, inside, link, namespace, run, wait_until
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root

DROP = "table inet f { chain in { type filter hook input priority 0; policy drop; ct state established accept; }; }"


@pytest.fixture
def site(halbctl: Run, folders: dict[str, Path]) -> Iterator[Site]:
    """All is well there; nothing of halbd runs yet."""
    with ExitStack() as stack:
        node, others = (stack.enter_context(namespace(fresh_name())) for _ in range(2))
        link((node, "eth0"), (others, "eth0"))
        add_address(node, "eth0", f"{LB1}/24")
        add_address(others, "eth0", f"{LB2}/24")
        folder = folders["CONFIGURATION_DIRECTORY"]
        one = Site(node, others, Authority(), folder / "halbd.yaml", halbctl)
        (folder / "ca.crt").write_text(one.ca.pem)
        one.write()
        one.serve(stack)
        yield one


def test_before_anything_is_installed_nothing_is_wrong_on_a_good_node(site: Site) -> None:
    code, found = site.examined()
    assert [one for one in found.values() if one["severity"] == "wrong"] == []
    assert code == 0
    fine = {name for name, one in found.items() if one["severity"] == "fine"}
    assert {"config-accepted", "ports", "interface", "peers", "vrrp-firewall", "certificates", "answers"} <= fine
    assert found["peers"]["what"] == f"lb2 ({LB2}) answers ping"
    assert found["peer-config"]["severity"] == "unknown"
    here = found["peer-config"]["cure"].replace(f"ssh {LB2} ", "")
    assert run("sh", "-c", here) == f"{site.file}: OK\n"
    assert found["halbd-service"]["severity"] in {"unknown", "warning"}


def test_several_faults_are_found_at_once_the_worst_first_with_why_and_cure(site: Site) -> None:
    run(*inside(site.node, "nft", DROP))
    with within(site.node, lambda: socket.create_server((LB1, 6443))):
        done = site.doctor()
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert lines[0].startswith("lb1 (cluster kubernetes)   wrong: 2, ")
    heads = [line for line in lines if line in {"Wrong", "Warnings", "Not checked", "Fine"}]
    assert heads == ["Wrong", "Warnings", "Not checked", "Fine"]
    wrong = lines[lines.index("Wrong") + 1 : lines.index("Warnings")]
    assert (
        f"port 6443 is taken by {Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()}) on {LB1}" in wrong[0]
    )
    assert wrong[1].lstrip().startswith("why:  neither proxy's checker sees a port that is taken")
    assert f"cure: stop {Path('/proc/self/comm').read_text().strip()}" in wrong[2]
    assert any(f"chain in of nftables: inet f drops VRRP (IP protocol 112) from {LB2}" in line for line in wrong)


def test_an_interface_that_lost_its_carrier_and_a_peer_that_is_gone(site: Site) -> None:
    run("ip", "-n", site.others, "link", "set", "eth0", "down")
    wait_until(lambda: "state UP" not in run("ip", "-n", site.node, "link", "show", "eth0"), "the loss of carrier")
    code, found = site.examined()
    assert code == 1
    assert found["interface"]["what"] == "eth0 is down or has no carrier"
    assert found["peers"]["what"] == f"lb2 ({LB2}) does not answer"
    assert found["servers"]["severity"] == "wrong"


def test_a_peer_that_lets_no_ping_through_is_there_all_the_same(site: Site) -> None:
    icmp = "table inet f { chain in { type filter hook input priority 0; meta l4proto icmp drop; }; }"
    run(*inside(site.others, "nft", icmp))
    run("ip", "-n", site.node, "neigh", "flush", "dev", "eth0")
    _, found = site.examined()
    assert found["peers"]["what"] == f"lb2 ({LB2}) answers ARP or neighbour discovery, not ping"


def test_a_stranger_with_our_virtual_router_id(site: Site, tmp_path: Path) -> None:
    add_address(site.others, "eth0", f"{STRANGER}/24")
    with keepalived(site.others, tmp_path / "k", STRANGER, "10.10.50.99"):
        code, found = site.examined()
    assert code == 1
    assert found["virtual-router-id"]["what"].startswith(f"{STRANGER}, which is no node of this config, uses")
    assert found["virtual-router-id"]["cure"] == "virtual_router_id: 1 in every node's file"


def test_a_peer_that_holds_the_vip_and_agrees_is_fine(site: Site, tmp_path: Path) -> None:
    with keepalived(site.others, tmp_path / "k", LB2):
        code, found = site.examined()
    assert code == 0
    assert f"{LB2} alone advertises it" in found["holder"]["what"]
    assert found["peer-config"]["severity"] == "fine"
    assert found["peers"]["what"] == f"lb2 ({LB2}) sends VRRP adverts"


def test_two_holders_and_a_peer_with_another_config(site: Site, tmp_path: Path) -> None:
    for place in (site.node, site.others):
        run(*inside(place, "nft", DROP.replace("policy drop;", "meta l4proto vrrp drop;")))
    with (
        keepalived(site.node, tmp_path / "here", LB1),
        keepalived(site.others, tmp_path / "there", LB2, advert_int="0.1"),
    ):
        code, found = site.examined()
    assert code == 1
    assert found["holder"]["what"] == f"{LB1} and {LB2} both advertise {VIP}"
    assert found["peer-config"]["what"] == "lb2 sends an advert every 0.1 s, and this node's file makes it 0.04 s"
    assert found["vrrp-firewall"]["severity"] == "wrong"


def test_another_machine_with_the_vips_address_is_heard_by_its_answer(site: Site) -> None:
    add_address(site.others, "eth0", f"{VIP}/32")
    code, found = site.examined()
    assert code == 0
    assert found["holder"]["what"] == f"{VIP} answers, and nobody is heard to advertise it"
    assert found["holder"]["severity"] == "warning"


def test_certificates_that_have_expired_end_soon_or_are_for_another_name(site: Site) -> None:
    names = {"10.10.50.12": "expired", "10.10.50.13": "ends on", "10.10.50.14": "Hostname mismatch"}
    with ExitStack() as stack:
        site.serve(stack, "10.10.50.12", timedelta(minutes=-30))
        site.serve(stack, "10.10.50.13", timedelta(days=13))
        site.serve(stack, "10.10.50.14", name="another")
        servers = [f"{address}:6443" for address in (SERVER, *names)]
        site.write(frontends=[document()["frontends"][0] | {"servers": servers}])
        done = site.doctor("--json")
    assert done.returncode == 1
    told = [one for one in json.loads(done.stdout)["findings"] if one["check"] == "certificates"]
    assert [one["severity"] for one in told] == ["wrong", "wrong", "warning", "fine"]
    for address, words in names.items():
        assert [one for one in told if address in one["what"] and words in one["what"]]
    assert next(one["cure"] for one in told if "10.10.50.12" in one["what"]).startswith("kubeadm certs renew apiserver")


def test_settings_of_the_kernel_are_those_of_this_namespace(site: Site) -> None:
    settings = ("net.ipv4.conf.eth0.arp_ignore=8", "net.ipv4.ip_nonlocal_bind=1")
    run(*inside(site.node, "sysctl", "-qw", *settings))
    code, found = site.examined()
    assert code == 1
    assert found["arp"]["cure"] == "sysctl -w net.ipv4.conf.eth0.arp_ignore=1 | tee -a /etc/sysctl.d/zz-halbd.conf"
    assert found["nonlocal-bind"]["severity"] == "warning"


def test_settings_that_matter_for_this_config_only(site: Site) -> None:
    """Strict rp_filter with two links, a VIP with a subnet, one of IPv6 where IPv6 is off; each cure is one to run."""
    link((site.node, "eth1"), (site.others, "eth1"))
    add_address(site.node, "eth1", "192.168.0.2/24")
    off = ("net.ipv4.conf.all.promote_secondaries=0", "net.ipv4.conf.eth0.promote_secondaries=0")
    strict = ("net.ipv4.conf.eth0.rp_filter=1", "net.ipv6.conf.eth0.disable_ipv6=1")
    run(*inside(site.node, "sysctl", "-qw", *off, *strict))
    six = {"address": "2001:db8::4", "interface": "eth0"}
    site.write(vips=[{"address": f"{VIP}/24"}, six], vrrp={"unicast": False})
    _, found = site.examined()
    kinds = {"reverse-path": "warning", "secondaries": "warning", "ipv6": "wrong"}
    assert {name: found[name]["severity"] for name in kinds} == kinds
    for name in kinds:
        now, keep, _ = found[name]["cure"].rpartition(" | tee")
        assert keep, found[name]["cure"]
        run(*inside(site.node, *now[now.index("sysctl") :].split()))
    _, found = site.examined()
    assert {name: found[name]["severity"] for name in kinds} == dict.fromkeys(kinds, "fine")


def test_a_ca_that_ends_soon_and_more_connections_than_files(site: Site) -> None:
    (site.file.parent / "ca.crt").write_text(site.ca.pem + Authority(timedelta(days=13)).pem)
    site.write(frontends=[document()["frontends"][0] | {"max_connections": 1_000_000}])
    code, found = site.examined()
    assert (code, found["ca"]["severity"], found["open-files"]["severity"]) == (1, "warning", "wrong")
    assert found["ca"]["what"].endswith(", in 12 days")
    assert "max_connections needs 2" in found["open-files"]["what"]


def test_another_node_can_be_named_and_its_address_is_missed_here(site: Site) -> None:
    site.write(vips=[{"address": VIP, "interface": "eth0"}])
    code, found = site.examined("--node", "lb2")
    assert code == 1
    assert found["own-address"]["what"] == f"{LB2} of lb2 is on no interface"


def test_a_file_with_problems_is_exit_2_and_what_needs_none_is_looked_at(site: Site) -> None:
    site.write(vips=[{"address": "nonsense"}])
    code, found = site.examined()
    assert code == 2
    assert "vips[0].address" in found["config"]["what"]
    assert found["keepalived"]["severity"] == found["check-script"]["severity"] == "fine"
    assert found["vrrp-firewall"]["severity"] == "unknown"
    lines = site.doctor().stdout.splitlines()
    reason = lines.index(f"  {site.file} has problems: those first:")
    assert lines[reason + 1].startswith("      config-accepted, config-in-force, proxy, ")


def test_a_file_that_is_missing_is_exit_2(site: Site) -> None:
    site.file.unlink()
    done = site.doctor()
    assert (done.returncode, done.stderr) == (2, "")
    assert "cannot read it: No such file or directory" in done.stdout


def test_without_root_what_only_root_can_see_is_not_checked(site: Site) -> None:
    """In a user namespace: the files are still ours to read, and we are not root."""
    before = ("unshare", "--user", "--map-user=1000")
    if subprocess.run([*before, "true"], check=False, capture_output=True, timeout=20).returncode:
        pytest.skip("this kernel gives no user namespaces")
    _, found = site.examined(before=before)
    unknown = {name for name, one in found.items() if one["severity"] == "unknown"}
    assert {"config-accepted", "peers", "vrrp-firewall", "virtual-router-id", "holder", "peer-config"} <= unknown
    assert {"open-files"} <= unknown
    assert found["certificates"]["severity"] == "fine"


def test_a_taken_port_whose_holder_only_root_can_see_is_not_called_free(site: Site) -> None:
    before = ("unshare", "--user", "--map-user=1000")
    if subprocess.run([*before, "true"], check=False, capture_output=True, timeout=20).returncode:
        pytest.skip("this kernel gives no user namespaces")
    with within(site.node, lambda: socket.create_server((LB1, 6443))):
        _, found = site.examined(before=before)
    assert found["ports"]["severity"] in {"unknown", "wrong"}
