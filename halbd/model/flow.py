"""A TCP connection, by its two ends."""

from __future__ import annotations

from dataclasses import dataclass

from halbd.model.config import Address


@dataclass(frozen=True, slots=True)
class Flow:
    """As this node sees it: `local` is an address that it has, or had."""

    local: Address
    local_port: int
    remote: Address
    remote_port: int
