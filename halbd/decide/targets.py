"""What is asked: every frontend through the local proxy, and through every VIP this node holds."""

from __future__ import annotations

from functools import lru_cache

from halbd.decide.listen import local_address
from halbd.model.config import Address, Config, Frontend
from halbd.model.evidence import Target


@lru_cache
def local_targets(config: Config) -> tuple[Target, ...]:
    """One target per frontend, through the local proxy."""
    return tuple(_target(config, f, f"local/{f.name}", local_address(config, f)) for f in config.frontends)


@lru_cache
def vip_targets(config: Config) -> tuple[Target, ...]:
    """One target for every VIP and each frontend that answers on it."""
    return tuple(
        _target(config, f, f"vip/{vip.address}/{f.name}", vip.address, vip.address)
        for vip in config.vips
        for f in config.frontends
        if f.bind in (None, vip.address)
    )


@lru_cache
def all_targets(config: Config) -> tuple[Target, ...]:
    """What a node asks that holds every VIP."""
    return local_targets(config) + vip_targets(config)


def _target(config: Config, frontend: Frontend, name: str, address: Address, vip: Address | None = None) -> Target:
    check, health = frontend.check, config.health
    return Target(
        name=name,
        frontend=frontend.name,
        address=address,
        port=frontend.port,
        scheme=check.scheme,
        path=health.path,
        expect=check.expect,
        server_name=check.server_name,
        ca=check.ca,
        timeout=health.timeout,
        vip=vip,
    )
