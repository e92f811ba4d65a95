"""net.ipv4 settings that decide who hears and answers for a VIP (ip-sysctl of the kernel's documentation)."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor.said import fine, sysctl, warning, with_config, wrong
from halbd.model.config import Config, Vip
from halbd.model.facts import Facts
from halbd.model.findings import Said


@with_config
def arp(config: Config, facts: Facts) -> Iterator[Said]:
    """arp_ignore and arp_announce: does the holder answer for the VIP, and it alone?"""
    found = [said for vip in _ipv4(config) for said in (*_ignored(vip, facts), *_flux(vip, facts))]
    yield from dict.fromkeys(found)
    if not found:
        yield fine("arp_ignore lets the holder answer for each VIP")


def _ignored(vip: Vip, facts: Facts) -> Iterator[Said]:
    """2: only where an address of the interface has a subnet with both the VIP and the asker in it; 8: for nobody."""
    ignore = _effective(facts, "arp_ignore", vip.interface)
    its = [one.address.network for one in facts.addresses if one.interface == vip.interface]
    if ignore == 8 or (ignore == 2 and not any(vip.address in one and one.prefixlen < 32 for one in its)):
        what = f"net.ipv4.conf.{vip.interface}.arp_ignore is {ignore}: nobody gets an answer to ARP for {vip}"
        yield wrong(what, _set(facts, "arp_ignore", vip.interface, 1))


def _flux(vip: Vip, facts: Facts) -> Iterator[Said]:
    """Two interfaces in one subnet both answer for the addresses of either."""
    near = {one.interface for one in facts.addresses if vip.address in one.address.network} - {vip.interface}
    others = {interface for interface in near if _effective(facts, "arp_ignore", interface) == 0}
    if others:
        what = f"{', '.join(sorted(others))} is in the subnet of {vip.address} too, and answers ARP for it"
        yield warning(what, sysctl({"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.all.arp_announce": 2}))


@with_config
def reverse_path(config: Config, facts: Facts) -> Iterator[Said]:
    """rp_filter."""
    more = {one.interface for one in facts.addresses if one.address.version == 4} - {"lo"}
    found = False
    for interface in dict.fromkeys(vip.interface for vip in _ipv4(config)):
        if _effective(facts, "rp_filter", interface) == 1 and len(more | {interface}) > 1:
            found = True
            what = f"net.ipv4.conf.{interface}.rp_filter is 1 (strict), and this node has several interfaces"
            yield warning(what, sysctl({_key("rp_filter", interface): 2}))
    if not found:
        yield fine("rp_filter drops nothing that is meant for a VIP")


@with_config
def secondaries(config: Config, facts: Facts) -> Iterator[Said]:
    """promote_secondaries, for VIPs that lie in the subnet of another address."""
    found = False
    for vip in _ipv4(config):
        if vip.prefix_length < 32 and not _effective(facts, "promote_secondaries", vip.interface):
            found = True
            what = f"{vip} has a subnet, and promote_secondaries is 0 on {vip.interface}"
            setting = _set(facts, "promote_secondaries", vip.interface, 1)
            yield warning(what, f"write {vip.address} without a prefix length, or {setting}")
    if not found:
        yield fine("no VIP can take another address along when it leaves")


@with_config
def binding(config: Config, facts: Facts) -> Iterator[Said]:
    """ip_nonlocal_bind: neither proxy needs it, and it hides an address that is missing."""
    if facts.settings.get("net.ipv4.ip_nonlocal_bind"):
        what = "net.ipv4.ip_nonlocal_bind is 1, which halbd does not need"
        yield warning(what, "unless another program needs it: " + sysctl({"net.ipv4.ip_nonlocal_bind": 0}))
    else:
        yield fine(f"net.ipv4.ip_nonlocal_bind is 0: {config.proxy.kind} binds a VIP that is not here without it")


@with_config
def ipv6(config: Config, facts: Facts) -> Iterator[Said]:
    """disable_ipv6, for IPv6 VIPs."""
    wanted = dict.fromkeys(vip.interface for vip in config.vips if vip.address.version == 6)
    off = [name for name in wanted if facts.settings.get(f"net.ipv6.conf.{name}.disable_ipv6", 1)]
    for name in off:
        cure = sysctl({f"net.ipv6.conf.{name.replace('.', '/')}.disable_ipv6": 0})
        yield wrong(f"IPv6 is off on {name}, which carries an IPv6 VIP", cure)
    if not off:
        yield fine("IPv6 is on where a VIP needs it" if wanted else "no VIP is IPv6")


def _ipv4(config: Config) -> tuple[Vip, ...]:
    return tuple(vip for vip in config.vips if vip.address.version == 4)


def _effective(facts: Facts, name: str, interface: str) -> int:
    """The kernel takes the higher one of `all` and the interface's own, for these settings."""
    return max(facts.settings.get(f"net.ipv4.conf.{place}.{name}", 0) for place in ("all", interface))


def _set(facts: Facts, name: str, interface: str, value: int) -> str:
    """The command; `all` as well where that is what decides."""
    higher = [place for place in ("all", interface) if facts.settings.get(f"net.ipv4.conf.{place}.{name}", 0) > value]
    return sysctl({_key(name, place): value for place in higher or [interface]})


def _key(name: str, interface: str) -> str:
    return f"net.ipv4.conf.{interface.replace('.', '/')}.{name}"
