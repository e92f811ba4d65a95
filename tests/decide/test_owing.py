"""What keepalived.service is owed for a file that it may have read."""

from __future__ import annotations

import pytest

from halbd.decide.owing import SIGNATURE, found_at_start, found_later
from halbd.model.told import Owes

OURS = SIGNATURE + b" Do not edit.\n"
BY_HAND = b"vrrp_instance mine {\n}\n"


@pytest.mark.parametrize(
    ("there", "owes"),
    [
        (OURS, Owes.NOTHING),
        (None, Owes.RELOAD | Owes.START),
        (SIGNATURE, Owes.RELOAD),
        (BY_HAND, Owes.RESTART | Owes.START),
    ],
    ids=["ours", "none", "an older one of ours", "by hand"],
)
def test_what_a_daemon_finds_when_it_starts(there: bytes | None, owes: Owes) -> None:
    assert found_at_start(there, OURS) == owes


@pytest.mark.parametrize("there", [BY_HAND, SIGNATURE, None], ids=["by hand", "an older one of ours", "none"])
@pytest.mark.parametrize(
    ("ours", "same", "owes"),
    [
        pytest.param(False, True, Owes.RELOAD, id="it may have been told to read that, and was started on ours"),
        pytest.param(False, False, Owes.RESTART, id="it was started since"),
        pytest.param(True, False, Owes.RELOAD, id="halbd itself has something new"),
    ],
)
def test_what_it_finds_later(there: bytes | None, ours: bool, same: bool, owes: Owes) -> None:
    assert found_later(there, OURS, ours=ours, same=same) is owes


def test_nothing_is_owed_for_the_file_in_force() -> None:
    assert found_later(OURS, OURS, ours=False, same=False) is Owes.NOTHING
