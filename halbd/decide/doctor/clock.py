"""The wall clock."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor.said import fine, unknown, warning
from halbd.model.facts import Facts, Unknown
from halbd.model.findings import Said


def synchronised(facts: Facts) -> Iterator[Said]:
    """By NTP, as the kernel knows it."""
    if isinstance(facts.synchronised, Unknown):
        yield unknown(facts.synchronised.why)
    elif facts.synchronised:
        yield fine("the clock is synchronised")
    else:
        yield warning("the clock is not synchronised", "timedatectl set-ntp true, or apt-get install chrony")
