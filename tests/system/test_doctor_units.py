"""What systemctl(1) says of units, as the doctor reads it."""

from __future__ import annotations

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


def test_each_block_is_a_unit() -> None:
    assert read(SAID) == {
        "halbd.service": Unit("loaded", "activating", "enabled", ran=True, sub="auto-restart", restarts=7),
        "haproxy.service": Unit("not-found", "inactive", "", sub="dead"),
        "systemd-networkd.socket": Unit("loaded", "active", "enabled", sub="running"),
    }
