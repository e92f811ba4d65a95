from __future__ import annotations

import pytest

from halbd.lab.connections import host


@pytest.mark.parametrize(
    ("end", "address"),
    [("10.0.0.1:6443", "10.0.0.1"), ("[fd00::1]:6443", "fd00::1"), ("[::ffff:10.0.0.1]:6443", "10.0.0.1")],
)
def test_an_end_is_read_as_ss_writes_it(end: str, address: str) -> None:
    assert host(end) == address
