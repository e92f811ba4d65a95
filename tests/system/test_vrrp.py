"""Adverts as bytes."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halbd.model.adverts import Advert
from halbd.system.vrrp import parse

SOURCE, VIP, VIP6, SOURCE6 = map(ip_address, ("10.99.0.2", "10.99.0.4", "2001:db8::4", "fe80::2"))
IPV4 = bytes.fromhex("45c0002000010000ff700000") + SOURCE.packed + ip_address("10.99.0.1").packed
IPV6 = bytes.fromhex("60000000001870ff") + SOURCE6.packed + ip_address("ff02::12").packed
VERSION_2 = bytes.fromhex("2104fd010001beef") + VIP.packed + b"password"
VERSION_3 = bytes.fromhex("3104fd010014beef") + VIP.packed
ON_IPV6 = bytes.fromhex("3104fe010014beef") + VIP6.packed


def test_version_2_and_version_3_name_their_source_number_priority_addresses_and_interval() -> None:
    assert parse(IPV4 + VERSION_2) == Advert(SOURCE, 4, 253, frozenset({VIP}), 2, 1)
    assert parse(IPV4 + VERSION_3) == Advert(SOURCE, 4, 253, frozenset({VIP}), 3, 0.2)


def test_ipv6() -> None:
    assert parse(IPV6 + ON_IPV6) == Advert(SOURCE6, 4, 254, frozenset({VIP6}), 3, 0.2)


def test_options_in_the_ipv4_header_are_skipped() -> None:
    assert parse(b"\x46" + IPV4[1:] + bytes(4) + VERSION_3) == Advert(SOURCE, 4, 253, frozenset({VIP}), 3, 0.2)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        IPV4,
        IPV4 + VERSION_3[:-1],
        IPV4 + b"\x32" + VERSION_3[1:],
        IPV4 + b"\x41" + VERSION_3[1:],
        IPV4 + VERSION_3[:3] + b"\x00" + VERSION_3[4:],
        IPV4[:9] + b"\x06" + IPV4[10:] + VERSION_3,
        IPV6[:6] + b"\x06" + IPV6[7:] + ON_IPV6,
        IPV6 + ON_IPV6[:-1],
        b"\x55" + IPV4[1:] + VERSION_3,
    ],
    ids=[
        "nothing",
        "no VRRP",
        "cut short",
        "another type",
        "another version",
        "no address",
        "TCP",
        "TCP on IPv6",
        "cut short on IPv6",
        "neither IPv4 nor IPv6",
    ],
)
def test_anything_else_is_no_advert(packet: bytes) -> None:
    assert parse(packet) is None


@given(st.binary(max_size=100), st.sampled_from([b"", IPV4, IPV6, IPV4 + VERSION_3[:4]]))
def test_no_bytes_at_all_break_it(garbage: bytes, before: bytes) -> None:
    parse(before + garbage)
