"""halbctl doctor on a booted system: what systemd, its units and networkd tell it there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.render.netns import add_address, addresses, link, namespace, run
from tests.vm.image import PACKAGES, image
from tests.vm.machine import Machine, eventually

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
PLACE, OTHERS = "halbd-vm-doctor", "halbd-vm-doctor-lan"
VIP = "10.87.0.4"
DOCUMENT = {
    "nodes": [{"name": "lb1", "address": "10.87.0.2"}, {"name": "lb2", "address": "10.87.0.3"}],
    "vips": [{"address": VIP}],
    "frontends": [
        {
            "name": "a",
            "port": 6443,
            "max_connections": 2000,  # as many files as any machine allows its containers
            "servers": ["10.87.0.11:6443"],
            "check": {"insecure": True},
        }
    ],
}
NETWORK = "[Match]\nName=eth0\n[Network]\nAddress=10.87.0.2/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"


@pytest.fixture
def machine(package: Path, tmp_path: Path) -> Iterator[Machine]:
    """One system with the package installed and configured; a bare peer answers pings."""
    with namespace(PLACE), namespace(OTHERS):
        link((PLACE, "eth0"), (OTHERS, "eth0"))
        add_address(PLACE, "eth0", "10.87.0.2/24")
        add_address(OTHERS, "eth0", "10.87.0.3/24")
        one = Machine("doctor", image(ROOT / "build/vm"), tmp_path, PLACE)
        try:
            shutil.copy(package, one.root / PACKAGES / "halbd.deb")
            one.boot()
            one.run("sh", "-c", f"apt-get install -y -q /{PACKAGES}/*.deb", timeout=180)
            (one.root / "etc/halbd").mkdir(exist_ok=True)
            (one.root / "etc/halbd/halbd.yaml").write_text(yaml.safe_dump(DOCUMENT))
            yield one
        finally:
            one.close()


def examined(machine: Machine) -> dict[str, dict[str, str]]:
    """The worst finding of each check, by its name."""
    said = json.loads(machine.run("halbctl", "doctor", "--json", check=False))
    assert said["node"] == "lb1", said["findings"][0]["what"]
    return {one["check"]: one for one in reversed(said["findings"])}


def test_units_and_networkd_are_judged_as_they_are_and_the_cures_cure(machine: Machine) -> None:
    before = examined(machine)
    assert before["proxy-service"]["cure"] == "systemctl disable --now haproxy.service"
    assert before["halbd-service"]["cure"] == "systemctl enable --now halbd"
    assert before["keepalived-service"]["what"] == "keepalived.service does not run; halbd starts it"
    assert "halbd.service (LimitNOFILE) allows 1048576" in before["open-files"]["what"]
    for name in ("proxy-service", "halbd-service"):
        machine.run("sh", "-c", before[name]["cure"])
    eventually(lambda: examined(machine)["keepalived-service"]["what"] == "keepalived.service is active", "it runs")
    after = examined(machine)
    assert [after[name]["severity"] for name in ("proxy-service", "halbd-service", "ports")] == ["fine"] * 3
    machine.run("systemctl", "stop", "keepalived")
    stopped = examined(machine)["keepalived-service"]
    assert stopped["what"] == "keepalived.service was stopped by somebody: this node takes no VIP"
    machine.run("sh", "-c", stopped["cure"])
    assert examined(machine)["keepalived-service"]["severity"] == "fine"


def test_a_daemon_that_is_stopped_or_ends_again_and_again_is_wrong(machine: Machine) -> None:
    def halbd() -> tuple[str, str, str]:
        one = examined(machine)["halbd-service"]
        return one["severity"], one["what"], one["cure"]

    machine.run("systemctl", "enable", "halbd")
    assert halbd() == ("warning", "halbd.service is enabled and was not started", "systemctl start halbd")
    machine.run("systemctl", "disable", "--now", "haproxy")
    machine.run("sh", "-c", halbd()[2])
    assert halbd() == ("fine", "halbd.service is active and enabled", "")
    machine.run("systemctl", "stop", "halbd")
    assert halbd() == ("wrong", "halbd.service ran and was stopped", "systemctl start halbd")
    drop_in = machine.root / "etc/systemd/system/halbd.service.d/ends.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/bin/false\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "halbd", check=False)
    eventually(lambda: "does not stay up: systemd has started it again" in halbd()[1], "it is seen to end")
    assert halbd()[::2] == ("wrong", "journalctl -u halbd -n 50")


def test_networkd_takes_the_vip_off_until_the_cure_that_is_told(machine: Machine) -> None:
    file = machine.root / "etc/systemd/network/10-netplan-eth0.network"
    file.parent.mkdir(exist_ok=True)
    file.write_text(NETWORK)

    def configured() -> bool:
        return "configured" in machine.run("networkctl", "--no-legend", "list", "eth0", check=False).split()

    def reconfigure() -> None:
        machine.run("networkctl", "reconfigure", "eth0")
        eventually(lambda: configured() and "10.87.0.2" in addresses(PLACE), "networkd has configured eth0")

    # The address is networkd's own from the start, as after a boot: version 252 aborts over one that it finds there.
    run("ip", "-n", PLACE, "addr", "flush", "dev", "eth0")
    machine.run("systemctl", "start", "systemd-networkd")
    eventually(configured, "networkd manages eth0")
    assert examined(machine)["address-managers"]["severity"] == "warning"
    run("ip", "-n", PLACE, "addr", "replace", f"{VIP}/32", "dev", "eth0")
    reconfigure()
    assert VIP not in addresses(PLACE)
    machine.run("sh", "-c", examined(machine)["address-managers"]["cure"])
    assert "leaves foreign addresses alone" in examined(machine)["address-managers"]["what"]
    run("ip", "-n", PLACE, "addr", "replace", f"{VIP}/32", "dev", "eth0")
    reconfigure()
    assert VIP in addresses(PLACE)
