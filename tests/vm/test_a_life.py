"""From the installation to the purge, on two booted systems: what happens, and what a client sees of it."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.render.netns import run
from tests.vm.image import PACKAGES
from tests.vm.machine import eventually
from tests.vm.signs import (
    Told,
    at_home,
    comes_home,
    handed_over,
    has_another_helper,
    holder,
    is_there,
    left_running,
    seen_by_a_client,
    settled,
    unanswered,
)
from tests.vm.world import CONF, FOREIGN, HAND_MADE, VIP, World, together

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]
LONG = 5.0
"""Seconds: what never ends lasts longer, and a machine with other work is not taken for that. The lab measures."""
NEWER = "the newer halbd"


def test_the_package_installs_without_a_network_and_starts_nothing(pair: World) -> None:
    for machine in pair.machines.values():
        machine.run("sh", "-c", f"apt-get install -y -q /{PACKAGES}/*.deb", timeout=280)
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


def test_what_systemd_and_the_journal_show_reads_well(pair: World) -> None:
    """Both are in the docs; what is left in build/vm is for them."""
    machine = holder(pair)
    shown = machine.run("systemctl", "status", "--no-pager", "halbd")
    assert re.search(r'Status: "master[^"]*"', shown), shown
    lines = machine.run("journalctl", "--no-pager", "--unit=halbd", "--output=json")
    told = [json.loads(line) for line in lines.splitlines()]
    gained, *_ = [one for one in told if one.get("HALBD_EVENT") == "vip.gained"]
    assert (gained["HALBD_VIP"], gained["HALBD_INTERFACE"], gained["PRIORITY"]) == (VIP, "eth0", "4")
    assert gained["MESSAGE"].startswith(f"vip.gained vip={VIP} interface=eth0"), gained["MESSAGE"]
    (pair.folder / "systemctl-status.txt").write_text(shown)
    (pair.folder / "journal.json").write_text(lines)


def test_the_sandbox_is_as_tight_where_it_runs(pair: World) -> None:
    """And the daemon has had its helper answer everything."""
    for machine in pair.machines.values():
        machine.run("systemd-analyze", "security", "--no-pager", "--threshold=25", "halbd")
        assert machine.pid("halbd-helper") != 0
        assert unanswered(machine) == []


def test_a_killed_proxy(pair: World, told: Told) -> None:
    with seen_by_a_client(pair, "kill -9 of the proxy", told) as seen:
        machine = holder(pair)
        status = machine.status()
        assert status is not None
        machine.run("kill", "-9", str(status["proxy"]["pid"]))
        eventually(lambda: pair.holders() == ["lb2"], "the other machine has the VIP")
    assert seen[0].outage_ms < 5000


def test_a_killed_keepalived_leaves_no_second_holder(pair: World, told: Told) -> None:
    with pair.moves() as moves, seen_by_a_client(pair, "kill -9 of keepalived", told) as seen:
        machine = holder(pair)
        before = machine.pid("keepalived")
        machine.run("systemctl", "kill", "--signal=KILL", "keepalived")
        eventually(lambda: machine.pid("keepalived") not in {0, before}, "keepalived runs again")
    assert together(moves) < LONG
    assert seen[0].outage_ms < 1000 * LONG


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
        said = ("journalctl", "--unit=keepalived", "--output=cat")
        before = machine.run(*said).count("Reload complete")
        # Again where halbd was quicker: rm had removed what is in a folder, and then found something in there.
        machine.run("sh", "-c", "until rm -rf /run/halbd /var/lib/halbd; do :; done")
        files = "/run/halbd/track/fault", "/run/halbd/proxy/master.sock", "/var/lib/halbd/current/keepalived.conf"
        eventually(lambda: all(is_there(machine, file) for file in files), "the folders are back", 60)
        eventually(lambda: machine.run(*said).count("Reload complete") > before, "keepalived watches the new folder")
        eventually(machine.status, "halbd answers")
        after = machine.status()
        assert after is not None
        assert after["proxy"]["pid"] == status["proxy"]["pid"]
        assert after["vips"][0]["held"]
    assert (seen[0].failed, seen[0].resets) == (0, 0)


def test_a_keepalived_conf_that_is_overwritten_or_removed_is_put_right(pair: World, told: Told) -> None:
    """By config management that nobody told of halbd: it restarts keepalived, too."""
    file = (machine := pair.machines["lb2"]).root / CONF
    ours = file.read_text()

    def right() -> bool:
        return file.exists() and file.read_text() == ours and machine.pid("keepalived") != 0

    with seen_by_a_client(pair, "keepalived.conf overwritten, and removed, on the standby", told) as seen:
        for change in (f"cat > /{CONF} << 'E'\n{FOREIGN}E\n", f"rm /{CONF}\n"):
            machine.run("sh", "-c", f"{change}systemctl restart keepalived")
            eventually(right, "it is put right, and keepalived runs", 60)
            eventually(lambda: at_home(pair), "all is well")
    assert (seen[0].failed, seen[0].resets) == (0, 0)
    assert machine.run("cat", "/var/lib/halbd/changed-by-hand/etc-keepalived-keepalived.conf") == FOREIGN
    assert "keepalived.restarted" in machine.run("journalctl", "--unit=halbd", "--output=cat")


def test_a_stop_hands_the_vip_over_first(pair: World, told: Told) -> None:
    eventually(lambda: at_home(pair), "all is well", 90)
    with pair.moves() as moves, pair.client.watching() as seen:
        machine = holder(pair)
        machine.run("systemctl", "stop", "halbd")
        assert pair.holders() == ["lb2"]
        assert left_running(machine) == []
    told.append(("systemctl stop halbd", seen[0]))
    assert unanswered(machine) == []
    said = machine.run("journalctl", "--boot", "--unit=halbd", "--output=cat")
    assert "connections.sent_on" in said, "those that waited at the proxy's listening sockets"
    assert "connections.ended" in said, "those that the proxy had"
    units = ("systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating,deactivating", "halbd*")
    eventually(lambda: machine.run(*units) == "", "nothing of halbd runs")
    handed_over(seen[0], moves)
    comes_home(pair, "systemctl start halbd, VIP comes back", told)


def test_a_helper_that_hangs_or_dies_takes_nothing_with_it(pair: World, told: Told) -> None:
    with pair.moves() as moves, seen_by_a_client(pair, "SIGSTOP and kill -9 of halbd-helper", told) as seen:
        machine = holder(pair)
        for number in ("STOP", "KILL"):
            old = {0, machine.pid("halbd-helper")}
            machine.run("kill", f"-{number}", str(max(old)))
            eventually(partial(has_another_helper, machine, old), "there is another one", 90)
    assert [move.machine for move in moves] == ["lb1"], "the one that had it at first"
    assert seen[0].resets == 0


def test_a_stop_that_finds_no_daemon_leaves_no_proxy(pair: World, told: Told) -> None:
    """The daemon has been killed and systemd waits to start it again: to systemd there is nothing to stop."""
    eventually(lambda: at_home(pair), "all is well", 90)
    with pair.client.watching() as seen:
        machine = holder(pair)
        assert left_running(machine) != []
        waits = 'until test "$(systemctl show --property=SubState --value halbd)" = auto-restart; do :; done'
        machine.run("sh", "-c", f"kill -9 {machine.pid('halbd')} && {waits} && systemctl stop halbd")
        assert machine.run("systemctl", "is-active", "halbd", check=False).strip() == "inactive"
        eventually(lambda: left_running(machine) == [], "the proxy is gone")
        eventually(lambda: pair.holders() == ["lb2"], "the other machine has the VIP")
    told.append(("kill -9 of halbd, systemctl stop at once", seen[0]))
    comes_home(pair, "systemctl start halbd, VIP comes back", told)


def test_a_reboot_of_the_holder_hands_the_vip_over(pair: World, told: Told) -> None:
    eventually(lambda: at_home(pair), "all is well", 90)
    machine = holder(pair)
    with pair.moves() as moves, pair.client.watching() as seen:
        machine.go_down()
        assert pair.holders() == ["lb2"]
    machine.boot()
    told.append(("reboot of the holder", seen[0]))
    handed_over(seen[0], moves, gone=True)
    eventually(lambda: at_home(pair), "the VIP comes back", 90)
    said = machine.status()
    assert said is not None
    assert [one["cause"] for one in said["transitions"] if one["change"] == "lost"][-1].startswith("stopping: offered")


def test_a_boot_without_halbd_takes_no_vip(pair: World) -> None:
    """keepalived.service is enabled and has halbd's file: what it watches must be there, and say no."""
    machine = pair.machines["lb1"]
    machine.run("systemctl", "disable", "--now", "halbd")
    machine.go_down()
    machine.boot()
    assert (machine.root / CONF).read_text() != HAND_MADE
    said = ("journalctl", "--boot", "--unit=keepalived", "--output=cat")
    eventually(lambda: "entering fault state" in machine.run(*said).lower(), "keepalived has decided")
    assert machine.run("cat", "/run/halbd/track/fault").strip() == "1"
    assert pair.holders() == ["lb2"]
    machine.run("systemctl", "enable", "--now", "halbd")


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
        assert machine.run("systemctl", "show", "--property=NeedDaemonReload", "--value", "halbd").strip() == "no"
        assert machine.run("systemctl", "show", "--property=Description", "--value", "halbd").strip() == NEWER
    assert (seen[0].failed, seen[0].resets) == (0, 0)


def _newer(package: Path, folder: Path) -> Path:
    """The same package as version 9.9.9, with another unit file."""
    tree = folder / "tree"
    run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control, module = tree / "DEBIAN/control", next(tree.glob("usr/lib/halbd/lib/*/site-packages/halbd/__init__.py"))
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 9.9.9-1", control.read_text()))
    module.write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9.9"', module.read_text()))
    unit = tree / "lib/systemd/system/halbd.service"
    unit.write_text(re.sub(r"(?m)^Description=.*", f"Description={NEWER}", unit.read_text()))
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


def test_a_purge_of_the_holder_leaves_nothing(pair: World, told: Told) -> None:
    eventually(lambda: at_home(pair), "all is well", 90)
    machine = holder(pair)
    folder = machine.root / "etc/keepalived"
    assert (folder / "keepalived.conf.before-halbd").read_text() == HAND_MADE
    for number in (2, 10):  # as if somebody had put one of his own in its place again and again
        (folder / f"keepalived.conf.before-halbd.{number}").write_text(f"# the {number}th\n")
    with pair.moves() as moves, pair.client.watching() as seen:
        said = machine.run("sh", "-c", "apt-get purge -y -q halbd 2>&1", timeout=120)
        eventually(lambda: pair.holders() == ["lb2"], "the other machine has the VIP")
        assert left_running(machine) == []
    told.append(("apt purge on the holder", seen[0]))
    handed_over(seen[0], moves)
    left = machine.run("find", "/etc", "/run", "/usr", "/var", "/opt", "-name", "*halbd*", "-not", "-name", "*.deb")
    assert left.split() == []
    assert machine.run("cat", "/etc/keepalived/keepalived.conf") == "# the 10th\n"
    assert "keepalived.conf.before-halbd.10 is /etc/keepalived/keepalived.conf again" in said
    assert "removing /etc/keepalived/keepalived.conf.before-halbd.2" in said
    assert "halbd" not in machine.run("ps", "-eo", "args")
