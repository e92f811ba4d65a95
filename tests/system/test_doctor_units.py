"""What systemctl(1) says of units, as the doctor reads it."""

from __future__ import annotations

import pytest

from halbd.model.facts import Unit
from halbd.system.doctor.units import read

SAID = """\
NRestarts=7
Id=halbd.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
UnitFileState=enabled
InactiveEnterTimestampMonotonic=81552938

NRestarts=0
Id=haproxy.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
InactiveEnterTimestampMonotonic=0

Id=systemd-networkd.socket
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
InactiveEnterTimestampMonotonic=
"""


@pytest.mark.parametrize(
    ("capabilities", "families", "packets"),
    [
        ("cap_net_admin cap_net_raw", "AF_UNIX AF_PACKET", True),
        ("cap_net_admin", "AF_UNIX AF_PACKET", False),
        ("cap_net_raw", "AF_UNIX AF_INET", False),
        ("cap_net_raw", "~", True),
        ("cap_net_raw", "~AF_PACKET AF_NETLINK", False),
    ],
)
def test_a_sandbox_lets_packets_through_or_not(capabilities: str, families: str, packets: bool) -> None:
    said = f"Id=halbd.service\nCapabilityBoundingSet={capabilities}\nRestrictAddressFamilies={families}\n"
    assert read(said)["halbd.service"].packets is packets


def test_each_block_is_a_unit() -> None:
    assert read(SAID) == {
        "halbd.service": Unit("loaded", "activating", "enabled", ran=True, sub="auto-restart", restarts=7),
        "haproxy.service": Unit("not-found", "inactive", "", sub="dead"),
        "systemd-networkd.socket": Unit("loaded", "active", "enabled", sub="running"),
    }
