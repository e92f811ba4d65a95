"""systemctl(1): what runs, and what will run after a reboot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halbd.model.facts import Unit
from halbd.system.run import run

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,InactiveEnterTimestampMonotonic,NRestarts,"
    "CapabilityBoundingSet,RestrictAddressFamilies"
)
DEADLINE = 5.0
"""Seconds."""


def units(names: Sequence[str]) -> dict[str, Unit]:
    """Each of them, also one that is not there (LoadState=not-found). Raises HalbdError."""
    words = run(["systemctl", "show", f"--property={PROPERTIES}", *names], DEADLINE).words
    return read(words)


def read(words: str) -> dict[str, Unit]:
    """The blocks of `systemctl show`, an empty line between two."""
    found = {}
    for block in words.split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        ran = said.get("InactiveEnterTimestampMonotonic", "0") not in {"", "0"}  # when it last stopped, 0: never
        if "Id" in said:
            unit = (said.get("LoadState", ""), said.get("ActiveState", ""), said.get("UnitFileState", ""))
            restarts = int(said.get("NRestarts") or 0)
            found[said["Id"]] = Unit(*unit, ran, said.get("SubState", ""), restarts, _packets(said))
    return found


def _packets(said: Mapping[str, str]) -> bool:
    """CAP_NET_RAW and AF_PACKET are allowed (systemd.exec(5)); a list with a ~ has what is not. What is not told is."""
    families = said.get("RestrictAddressFamilies", "~")
    listed = "AF_PACKET" in families.removeprefix("~").split()
    capable = "cap_net_raw" in said.get("CapabilityBoundingSet", "cap_net_raw").split()
    return capable and listed is not families.startswith("~")
