"""Programs that manage interfaces: systemd-networkd, asked by networkctl(1), and NetworkManager, by nmcli(1)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from halbd.model.errors import HalbdError
from halbd.model.facts import Keeper, Unit
from halbd.system.run import run

NETWORKD, NETWORK_MANAGER = "systemd-networkd.service", "NetworkManager.service"
UNITS = (NETWORKD, NETWORK_MANAGER)
KEEPS = {"yes", "true", "on", "1", "static"}
"""Values of KeepConfiguration= that spare addresses without a lifetime (systemd.network(5))."""
DEADLINE = 5.0
"""Seconds."""


def keepers(interfaces: Iterable[str], units: Mapping[str, Unit]) -> tuple[Keeper, ...]:
    """Who manages each of the interfaces. Raises HalbdError."""
    running = {name for name in UNITS if name in units and units[name].active == "active"}
    found: list[Keeper] = []
    for interface in interfaces:
        if NETWORKD in running:
            found += _networkd(interface)
        if NETWORK_MANAGER in running:
            found += _network_manager(interface)
    return tuple(found)


def _networkd(interface: str) -> Iterator[Keeper]:
    words = run(["networkctl", "--json=short", "status", interface], DEADLINE).words
    try:
        file = json.loads(words).get("NetworkFile")
    except (ValueError, AttributeError) as error:
        raise HalbdError(f"cannot read what networkctl says of {interface}: {words[:80]}") from error
    if isinstance(file, str):
        text = run(["systemd-analyze", "cat-config", f"systemd/network/{PurePath(file).name}"], DEADLINE).words
        yield Keeper("systemd-networkd", interface, keeps(text), file)


def keeps(text: str) -> bool:
    """The last KeepConfiguration= of a .network file and its drop-ins."""
    found = re.findall(r"^\s*KeepConfiguration\s*=\s*(\S*)", text, re.MULTILINE)
    return bool(found) and found[-1].lower() in KEEPS


def _network_manager(interface: str) -> Iterator[Keeper]:
    words = run(["nmcli", "-t", "-f", "GENERAL.STATE", "device", "show", interface], DEADLINE).words
    state = re.search(r"GENERAL\.STATE:(\d+)", words)
    # 10 is unmanaged (NMDeviceState); what it found set up by others it does not touch.
    if state and int(state[1]) > 10 and "externally" not in words:
        yield Keeper("NetworkManager", interface, keeps=False)
