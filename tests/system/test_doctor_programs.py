"""Programs that say something else than those of this machine, and files that others could change."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from halbd.model.config import Proxy
from halbd.model.facts import Filters, Keeper, Unit
from halbd.model.paths import Paths
from halbd.system.doctor import firewall, managers, programs, scripts
from tests.decide.doctor.sample import only, said
from tests.render.netns import inside, namespace, run
from tests.system.within import fresh_name, within

CHECK = Path(__file__).parents[2] / "halbd" / "cli" / "check.py"
ACTIVE = {managers.NETWORK_MANAGER: Unit("loaded", "active", "enabled")}


def fake(folder: Path, name: str, says: str) -> str:
    """A program that prints this, whatever it is asked."""
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n")
    path.chmod(0o755)
    return str(path)


def first_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_an_old_haproxy_without_tls(tmp_path: Path) -> None:
    says = "HAProxy version 2.2.9-2+deb11u6 2023/12/02 - https://haproxy.org/\nFeature list : +EPOLL -OPENSSL"
    found = programs.proxy(Proxy(binary=fake(tmp_path, "haproxy", says)))
    assert (found.version, found.features) == ("2.2.9-2+deb11u6", frozenset({"EPOLL"}))
    assert [one.what for one in said("proxy", proxy=found)] == [
        "haproxy 2.2.9-2+deb11u6 is older than 2.4",
        "haproxy 2.2.9-2+deb11u6 is built without OPENSSL",
    ]


@pytest.mark.root
def test_an_old_keepalived(tmp_path: Path) -> None:
    """In a mount namespace of its own, where it is the only one."""
    says = "Keepalived v2.1.5 (07/13,2020)\nConfig options:  LVS VRRP VRRP_AUTH"
    old = fake(tmp_path, "keepalived", says)
    look = "from halbd.system.doctor.programs import keepalived\none = keepalived()"
    look += "\nprint(one.version, *sorted(one.features))"
    words = f'mount --bind {old} "$(command -v keepalived)" && exec "$0" -c "{look}"'
    assert run("unshare", "-m", "sh", "-c", words, sys.executable) == "2.1.5 LVS VRRP VRRP_AUTH\n"


@pytest.mark.parametrize(
    ("state", "manages"),
    [("100 (connected)", True), ("100 (connected (externally))", False), ("10 (unmanaged)", False)],
)
def test_network_manager_by_what_nmcli_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, *, manages: bool
) -> None:
    fake(tmp_path, "nmcli", f"GENERAL.STATE:{state}")
    first_on_path(monkeypatch, tmp_path)
    expected = (Keeper("NetworkManager", "eth0", keeps=False),) if manages else ()
    assert managers.keepers(["eth0"], ACTIVE) == expected


@pytest.mark.root
def test_rules_of_a_firewalld_that_runs_are_cured_by_its_own_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = "table inet firewalld { chain filter_INPUT { type filter hook input priority 10; policy drop; }; }"

    def filters() -> Filters:
        found = within(place, firewall.filters)
        assert isinstance(found, Filters)
        return found

    with namespace(fresh_name()) as place:
        run(*inside(place, "nft", rules))
        assert only("vrrp-firewall", filters=filters())[2].startswith("nft insert rule")
        fake(tmp_path, "firewall-cmd", "running")
        first_on_path(monkeypatch, tmp_path)
        assert only("vrrp-firewall", filters=filters())[2].startswith("firewall-cmd --permanent --add-protocol=vrrp")


@pytest.mark.root
def test_a_folder_on_the_way_to_the_check_that_a_group_can_write_to_until_the_cure(paths: Paths) -> None:
    copy = paths.state / "inner" / "halbd-check"
    copy.parent.mkdir()
    shutil.copy(CHECK, copy)
    assert only("check-script", programs=(scripts.look(copy),))[0] == "fine"
    os.chown(copy.parent, 0, 65534)
    copy.parent.chmod(0o775)
    kind, what, cure = only("check-script", programs=(scripts.look(copy),))
    assert (kind, what) == ("wrong", f"{copy.parent} can be written by the group 65534")
    run(*cure.split())
    assert only("check-script", programs=(scripts.look(copy),))[0] == "fine"
