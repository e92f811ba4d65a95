"""keepalived.conf where systemd runs keepalived: a hand-written one is never lost."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from halbd.system.keepalived_unit import SIGNATURE, Written, write_config

OURS = f"{SIGNATURE} Do not edit.\n"
BY_HAND = "vrrp_instance mine {\n}\n"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "keepalived" / "keepalived.conf"


@pytest.fixture
def by_hand(target: Path) -> Path:
    """One that the operator wrote."""
    target.parent.mkdir()
    target.write_text(BY_HAND)
    return target


def test_where_there_was_none_nothing_is_kept(target: Path) -> None:
    assert write_config(OURS, target) == Written(changed=True, aside=None)
    assert [path.name for path in target.parent.iterdir()] == ["keepalived.conf"]


def test_what_is_there_already_is_no_change(target: Path) -> None:
    write_config(OURS, target)
    assert write_config(OURS, target) == Written(changed=False, aside=None)


def test_it_is_for_root_alone(target: Path) -> None:
    """It may hold auth_pass."""
    write_config(OURS, target)
    assert target.stat().st_mode & 0o777 == 0o600


def kept(text: str, target: Path) -> Path:
    """Where the file that was there has been kept."""
    written = write_config(text, target)
    assert written.changed
    assert written.aside is not None
    return written.aside


def test_a_hand_written_one_is_kept_aside_and_its_place_is_said(by_hand: Path) -> None:
    aside = kept(OURS, by_hand)
    assert (aside.read_text(), by_hand.read_text()) == (BY_HAND, OURS)


def test_what_halbd_wrote_itself_is_not_kept(by_hand: Path) -> None:
    aside = kept(OURS, by_hand)
    assert write_config(OURS + "# newer\n", by_hand) == Written(changed=True, aside=None)
    assert aside.read_text() == BY_HAND


def test_a_second_hand_written_one_does_not_overwrite_the_first(by_hand: Path) -> None:
    first = kept(OURS, by_hand)
    by_hand.write_text("second by hand")
    second = kept(OURS, by_hand)
    assert (first.read_text(), second.read_text()) == (BY_HAND, "second by hand")


def test_what_was_there_stays_when_it_cannot_be_written(tmp_path: Path) -> None:
    """A file where a folder is needed."""
    (tmp_path / "etc").write_text("")
    with pytest.raises(OSError) as error:  # noqa: PT011  # which one is said below
        write_config(OURS, tmp_path / "etc" / "keepalived.conf")
    assert error.value.errno in (errno.ENOTDIR, errno.EEXIST)
