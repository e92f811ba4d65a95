"""Which boot of the machine this is."""

from __future__ import annotations

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Another one after every boot (random(4)); "" where /proc does not say."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
