"""From the installation to the purge, on two booted systems: what happens, and what a client sees of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.render.netns import run
from tests.vm.image import PACKAGES
from tests.vm.machine import Machine, eventually
from tests.vm.world import VIP, Sight, World

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]
Told = list[tuple[str, Sight]]


def holder(pair: World) -> Machine:
    held = pair.holders()
    assert len(held) == 1, f"one holder, not {held}"
    return pair.machines[held[0]]


def settled(pair: World) -> bool:
    """Exactly one holds the VIP, and both daemons are healthy."""
    said = [machine.status() for machine in pair.machines.values()]
    return len(pair.holders()) == 1 and all(one and one["healthy"] for one in said)


def at_home(pair: World) -> bool:
    """As `settled`, and the VIP is where the file prefers it."""
    return pair.holders() == ["lb1"] and settled(pair)


@contextmanager
def seen_by_a_client(pair: World, name: str, told: Told) -> Iterator[list[Sight]]:
    """Everything in the block, and until the VIP is home again and well, with a client looking on."""
    eventually(lambda: at_home(pair), f"all is well before {name}", 60)
    with pair.client.watching() as seen:
        yield seen
        eventually(lambda: at_home(pair), f"all is well after {name}", 90)
    told.append((name, seen[0]))


def test_the_package_installs_without_a_network_and_starts_nothing(pair: World) -> None:
    for machine in pair.machines.values():
        machine.run("sh", "-c", f"apt-get install -y -q /{PACKAGES}/*.deb", timeout=180)
        assert machine.run("systemctl", "is-enabled", "halbd", check=False).strip() == "disabled"
        assert machine.run("systemctl", "is-active", "halbd", check=False).strip() == "inactive"
        assert machine.run("systemctl", "is-active", "keepalived", check=False).strip() == "inactive"


def test_halbd_check_lies_where_keepalived_and_halbd_trust_it(pair: World) -> None:
    machine = pair.machines["lb1"]
    listing = machine.run("stat", "--dereference", "--format=%U %a", "/usr/bin/halbd-check", "/usr/lib/halbd")
    assert listing.split() == ["root", "755", "root", "755"]
    assert machine.run("id", "-u", "keepalived_script").strip().isdigit()


def test_enable_now_gives_a_vip_that_answers_over_verified_tls(pair: World, told: Told) -> None:
    for machine in pair.machines.values():
        pair.configure(machine)
        machine.run("systemctl", "enable", "--now", "halbd")
    eventually(lambda: at_home(pair), "the preferred machine holds the VIP")
    with pair.client.watching() as seen:
        eventually(lambda: settled(pair), "all is well")
    told.append(("nothing happens", seen[0]))
    assert seen[0].attempts > 0
    assert seen[0].failed == 0


def test_a_killed_proxy(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "kill -9 of the proxy", told) as seen:
        machine = holder(pair)
        status = machine.status()
        assert status is not None
        machine.run("kill", "-9", str(status["proxy"]["pid"]))
        eventually(lambda: pair.holders() == ["lb2"], "the other machine has the VIP")
    assert seen[0].outage_ms < 5000


def test_a_killed_keepalived_leaves_no_second_holder(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "kill -9 of keepalived", told):
        machine = holder(pair)
        before = machine.pid("keepalived")
        machine.run("systemctl", "kill", "--signal=KILL", "keepalived")
        eventually(lambda: machine.pid("keepalived") not in {0, before}, "keepalived runs again")


def test_a_killed_halbd_moves_nothing(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "kill -9 of halbd", told) as seen:
        machine = holder(pair)
        before, status = machine.pid("halbd"), machine.status()
        assert status is not None
        machine.run("kill", "-9", str(before))
        eventually(lambda: machine.pid("halbd") not in {0, before} and machine.status(), "halbd runs again")
        after = machine.status()
        assert after is not None
        assert after["proxy"]["pid"] == status["proxy"]["pid"]
        assert after["vips"][0]["held"]
    assert (seen[0].failed, seen[0].resets) == (0, 0)


def test_folders_that_are_removed_come_back(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "rm -r /run/halbd /var/lib/halbd", told) as seen:
        machine = holder(pair)
        status = machine.status()
        assert status is not None
        machine.run("rm", "-r", "/run/halbd", "/var/lib/halbd")
        files = "/run/halbd/track/fault", "/run/halbd/proxy/master.sock", "/var/lib/halbd/current/keepalived.conf"
        eventually(lambda: all(_there(machine, file) for file in files), "the folders are back", 60)
        eventually(machine.status, "halbd answers")
        after = machine.status()
        assert after is not None
        assert after["proxy"]["pid"] == status["proxy"]["pid"]
        assert after["vips"][0]["held"]
    assert (seen[0].failed, seen[0].resets) == (0, 0)


def _there(machine: Machine, file: str) -> bool:
    return machine.run("sh", "-c", f"test -e {file} && echo yes", check=False) == "yes\n"


def test_a_stop_hands_the_vip_over_first(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "systemctl stop halbd, start", told) as seen:
        machine = holder(pair)
        machine.run("systemctl", "stop", "halbd")
        assert pair.holders() == ["lb2"]
        assert "/run/halbd" not in machine.run("ps", "-eo", "args")
        machine.run("systemctl", "start", "halbd")
    assert seen[0].silent == 0


def test_a_reboot_of_the_holder(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "reboot of the holder", told):
        machine = holder(pair)
        machine.go_down()
        eventually(lambda: pair.holders() == ["lb2"], "the other machine has the VIP")
        machine.boot()


def test_an_upgrade_of_the_package_moves_nothing(pair: World, told: Told, package: Path, tmp_path: Path) -> None:
    newer = _newer(package, tmp_path)
    with seen_by_a_client(pair, "upgrade of the package", told) as seen:
        machine = holder(pair)
        before, status = machine.pid("halbd"), machine.status()
        assert status is not None
        shutil.copy(newer, machine.root / PACKAGES / "newer.deb")
        machine.run("dpkg", "--install", f"/{PACKAGES}/newer.deb", timeout=120)
        eventually(lambda: (machine.status() or {}).get("halbd") == "9.9.9", "the new version answers")
        after = machine.status()
        assert after is not None
        assert (machine.pid("halbd"), after["proxy"]["pid"]) == (before, status["proxy"]["pid"])
        assert after["vips"][0]["held"]
        assert after["config"]["rejected"] is None
    assert (seen[0].failed, seen[0].resets) == (0, 0)


def _newer(package: Path, folder: Path) -> Path:
    """The same package as version 9.9.9."""
    tree = folder / "tree"
    run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control, module = tree / "DEBIAN/control", next(tree.glob("usr/lib/halbd/lib/*/site-packages/halbd/__init__.py"))
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 9.9.9-1", control.read_text()))
    module.write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9.9"', module.read_text()))
    (tree / "DEBIAN/md5sums").unlink()
    built = folder / "newer.deb"
    run("dpkg-deb", "--build", "--root-owner-group", "-Znone", str(tree), str(built))
    return built


def test_a_keepalived_that_an_operator_stopped_stays_stopped_until_he_starts_it(pair: World) -> None:
    machine = holder(pair)
    machine.run("systemctl", "stop", "keepalived")
    eventually(lambda: pair.holders() == ["lb2"], "the other machine has the VIP")
    before = machine.pid("halbd")
    machine.run("kill", "-9", str(before))
    eventually(lambda: machine.pid("halbd") not in {0, before} and machine.status(), "halbd runs again")
    machine.run("systemctl", "restart", "halbd")
    words = "keepalived.service does not run, it was stopped by somebody: this node takes no VIP"
    status_of_halbd = ("systemctl", "show", "--property=StatusText", "halbd")
    eventually(lambda: words in machine.run(*status_of_halbd), "systemd's status names it")
    assert (machine.pid("keepalived"), pair.holders()) == (0, ["lb2"])
    machine.run("systemctl", "start", "keepalived")
    eventually(lambda: at_home(pair), "the VIP is home again")
    eventually(lambda: words not in machine.run(*status_of_halbd), "systemd's status no longer does")


def test_a_purge_leaves_nothing(pair: World) -> None:
    machine = pair.machines["lb2"]
    machine.run("apt-get", "purge", "-y", "-q", "halbd", timeout=120)
    left = machine.run("find", "/etc", "/run", "/usr", "/var", "/opt", "-name", "*halbd*", "-not", "-name", "*.deb")
    assert left.split() == []
    assert machine.run("ip", "-o", "addr", "show", "to", VIP) == ""
    assert "halbd" not in machine.run("ps", "-eo", "args")
