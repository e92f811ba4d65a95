from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from halbd.lab.holders import Holders, Line, parse
from halbd.lab.measure import Change

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC).timestamp()
STAMP = "[2026-01-02T03:04:05.678901] "


@pytest.mark.parametrize(
    ("line", "address", "gained", "interface"),
    [
        (
            r"2: ens192    inet 10.0.0.4/32 scope global ens192\       valid_lft forever preferred_lft forever",
            "10.0.0.4",
            True,
            "ens192",
        ),
        (r"Deleted 2: eth0    inet 10.0.0.4/32 scope global eth0\       valid_lft forever", "10.0.0.4", False, "eth0"),
        (r"2: eth0    inet6 fd00::4/128 scope global nodad \       valid_lft forever", "fd00::4", True, "eth0"),
    ],
)
def test_an_address_that_comes_or_goes_is_read(line: str, address: str, gained: bool, interface: str) -> None:
    assert parse(STAMP + line) == Line(AT, address, gained, interface)


def test_a_node_holds_a_vip_on_whatever_interface_it_is() -> None:
    holders = Holders(["10.0.0.4"])

    def note(interface: str, *, gained: bool) -> None:
        asyncio.run(holders.note(Change(0, "lb1", "10.0.0.4", gained, interface)))

    note("eth0", gained=True)
    note("lo", gained=True)
    note("eth0", gained=False)
    note("eth0", gained=False)
    assert holders.current == {"10.0.0.4": {"lb1"}}
    assert [one.gained for one in holders.changes] == [True]
    assert [one.interface for one in holders.take("lb1")] == ["eth0", "lo", "eth0"]
    note("lo", gained=False)
    assert holders.current == {"10.0.0.4": set()}


@pytest.mark.parametrize("line", ["", "\n", STAMP, STAMP + "2: eth0    inet", "2: eth0 inet 10.0.0.4/32"])
def test_any_other_line_is_passed_over(line: str) -> None:
    assert parse(line) is None
