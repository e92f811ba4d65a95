"""net.* of sysctl(8), in this network namespace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

IPV4 = ("arp_ignore", "arp_announce", "rp_filter", "promote_secondaries")


def settings(interfaces: Iterable[str]) -> dict[str, int]:
    """By name; one that this kernel does not have is left out."""
    keys: list[tuple[str, ...]] = [("net", "ipv4", "ip_nonlocal_bind")]
    for place in ("all", *interfaces):
        keys += [("net", "ipv4", "conf", place, name) for name in IPV4]
        keys.append(("net", "ipv6", "conf", place, "disable_ipv6"))
    read = {".".join(key): _read(Path("/proc/sys", *key)) for key in keys}
    return {key: value for key, value in read.items() if value is not None}


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
