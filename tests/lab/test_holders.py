from __future__ import annotations

from datetime import UTC, datetime

import pytest

from halbd.lab.holders import Line, parse

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC).timestamp()
STAMP = "[2026-01-02T03:04:05.678901] "


@pytest.mark.parametrize(
    ("line", "address", "gained"),
    [
        (
            r"2: ens192    inet 10.0.0.4/32 scope global ens192\       valid_lft forever preferred_lft forever",
            "10.0.0.4",
            True,
        ),
        (r"Deleted 2: eth0    inet 10.0.0.4/32 scope global eth0\       valid_lft forever", "10.0.0.4", False),
        (r"2: eth0    inet6 fd00::4/128 scope global nodad \       valid_lft forever", "fd00::4", True),
    ],
)
def test_an_address_that_comes_or_goes_is_read(line: str, address: str, gained: bool) -> None:
    assert parse(STAMP + line) == Line(AT, address, gained)


@pytest.mark.parametrize("line", ["", "\n", STAMP, STAMP + "2: eth0    inet", "2: eth0 inet 10.0.0.4/32"])
def test_any_other_line_is_passed_over(line: str) -> None:
    assert parse(line) is None
