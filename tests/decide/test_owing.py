"""What keepalived.service is owed for a file that it may have read."""

from __future__ import annotations

import pytest

from halbd.decide.owing import SIGNATURE, found_at_start, found_later
from halbd.model.told import Owes

OURS = SIGNATURE + b" Do not edit.\n"
BY_HAND = b"vrrp_instance mine {\n}\n"


@pytest.mark.parametrize(
    ("there", "owes"),
    [(OURS, Owes.NOTHING), (None, Owes.START), (SIGNATURE, Owes.RELOAD), (BY_HAND, Owes.RESTART)],
    ids=["ours", "none", "an older one of ours", "by hand"],
)
def test_what_a_daemon_finds_when_it_starts(there: bytes | None, owes: Owes) -> None:
    assert found_at_start(there, OURS) is owes


@pytest.mark.parametrize("there", [BY_HAND, SIGNATURE, None], ids=["by hand", "an older one of ours", "none"])
@pytest.mark.parametrize(
    ("ours", "same", "runs", "owes"),
    [
        pytest.param(False, True, True, Owes.RELOAD, id="it may have been told to read that, and was started on ours"),
        pytest.param(False, False, True, Owes.RESTART, id="it was started since"),
        pytest.param(False, False, False, Owes.RELOAD, id="it does not run, and may have been stopped"),
        pytest.param(True, False, True, Owes.RELOAD, id="halbd itself has something new"),
    ],
)
def test_what_it_finds_later(there: bytes | None, ours: bool, same: bool, runs: bool, owes: Owes) -> None:
    assert found_later(there, OURS, ours=ours, same=same, runs=runs) is owes


def test_nothing_is_owed_for_the_file_in_force() -> None:
    assert found_later(OURS, OURS, ours=False, same=False, runs=True) is Owes.NOTHING
