"""VRRP adverts as bytes: version 2 (RFC 3768, 5.1) and version 3 (RFC 9568, 5.1)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from halbd.model.adverts import Advert
from halbd.system.helper.packets import VRRP

ADVERTISEMENT = 1
"""The only type of packet that VRRP has."""
HEADER = 8
"""Octets before the first address."""
IPV4_HEADER = 20
"""Octets of an IPv4 header without options (RFC 791, 3.1)."""
IPV6_HEADER = 40
"""Octets of an IPv6 header (RFC 8200, 3): VRRP follows without an extension header."""


def parse(packet: bytes) -> Advert | None:
    """The advert in an IP packet that begins with its IP header; None where it is none, or cut short.

    No checksum is looked at: a card may not have filled it in yet in what is heard of one's own.
    """
    if len(packet) < IPV4_HEADER:
        return None
    if packet[0] >> 4 == 4 and packet[9] == VRRP:
        return _advert(packet[12:16], packet[(packet[0] & 0xF) * 4 :], 4)
    if packet[0] >> 4 == 6 and packet[6] == VRRP:
        return _advert(packet[8:24], packet[IPV6_HEADER:], 16)
    return None


@lru_cache(256)  # they are all alike: a master says the same several times a second
def _advert(source: bytes, vrrp: bytes, size: int) -> Advert | None:
    if len(vrrp) < HEADER or vrrp[0] & 0xF != ADVERTISEMENT or (version := vrrp[0] >> 4) not in {2, 3}:
        return None
    count = vrrp[3]
    if count == 0 or len(vrrp) < HEADER + count * size:
        return None
    starts = range(HEADER, HEADER + count * size, size)
    addresses = frozenset(ip_address(vrrp[start : start + size]) for start in starts)
    # Version 2 has whole seconds in one octet, version 3 hundredths in twelve bits.
    interval = float(vrrp[5]) if version == 2 else int.from_bytes(vrrp[4:6], "big") % 0x1000 / 100
    return Advert(ip_address(source), vrrp[1], vrrp[2], addresses, version, interval)
