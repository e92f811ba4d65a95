"""keepalived where systemd runs it: who has stopped it is left in peace, and a hand-written file is never lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest

from halbd.decide.owing import SIGNATURE
from halbd.model.errors import FailedError
from halbd.model.service import PidFile, Service
from halbd.model.told import Owes
from halbd.system import pid_files
from halbd.system.keepalived_unit import UNIT, apply, look, put_config, read_config, write_config
from tests.system.systemctl import Systemctl

OURS = SIGNATURE + b" Do not edit.\n"
BY_HAND = b"vrrp_instance mine {\n}\n"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "keepalived" / "keepalived.conf"


@pytest.fixture
def by_hand(target: Path) -> Path:
    """One that the operator wrote."""
    target.parent.mkdir()
    target.write_bytes(BY_HAND)
    return target


def test_where_there_was_none_nothing_is_kept(target: Path) -> None:
    assert read_config(target) is None
    assert write_config(OURS, target) is None
    assert [path.name for path in target.parent.iterdir()] == ["keepalived.conf"]
    assert read_config(target) == OURS


def test_it_is_for_root_alone(target: Path) -> None:
    """It may hold auth_pass."""
    put_config(OURS, target)
    assert target.stat().st_mode & 0o777 == 0o600


def kept(text: bytes, target: Path) -> Path:
    """Where the file that was there has been kept."""
    aside = write_config(text, target)
    assert aside is not None
    return aside


def test_a_hand_written_one_is_kept_aside_and_its_place_is_said(by_hand: Path) -> None:
    aside = kept(OURS, by_hand)
    assert (aside.read_bytes(), by_hand.read_bytes()) == (BY_HAND, OURS)


def test_what_halbd_wrote_itself_is_not_kept(by_hand: Path) -> None:
    aside = kept(OURS, by_hand)
    assert write_config(OURS + b"# newer\n", by_hand) is None
    assert aside.read_bytes() == BY_HAND


def test_a_second_hand_written_one_does_not_overwrite_the_first(by_hand: Path) -> None:
    first = kept(OURS, by_hand)
    by_hand.write_bytes(b"second by hand")
    second = kept(OURS, by_hand)
    assert (first.read_bytes(), second.read_bytes()) == (BY_HAND, b"second by hand")


def test_what_was_there_stays_when_it_cannot_be_written(tmp_path: Path) -> None:
    """A file where a folder is needed."""
    (tmp_path / "etc").write_text("")
    with pytest.raises(OSError) as error:  # noqa: PT011  # which one is said below
        write_config(OURS, tmp_path / "etc" / "keepalived.conf")
    assert error.value.errno in (errno.ENOTDIR, errno.EEXIST)


# the service itself; what systemd says of each state was read off systemd 252


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """A stand-in that says what it is told to, and notes what it is asked to do."""
    one = Systemctl(tmp_path)
    monkeypatch.setattr(pid_files, "FOLDER", tmp_path)  # this machine may have a keepalived of its own
    monkeypatch.setenv("PATH", f"{one.folder}:{os.environ['PATH']}")
    return one


RUNS = {"MainPID": 1, "LoadState": "loaded", "ActiveState": "active", "InactiveEnterTimestampMonotonic": 0}
NEVER = RUNS | {"MainPID": 0, "ActiveState": "inactive"}
STOPPED = NEVER | {"InactiveEnterTimestampMonotonic": 5_000_000}
FAILED = STOPPED | {"ActiveState": "failed"}
MASKED = NEVER | {"LoadState": "masked"}


def test_what_systemd_says_is_read(systemctl: Systemctl) -> None:
    systemctl.says(**STOPPED, Job=4711)
    assert look() == Service(None, "loaded", "inactive", job=True, ended=5.0)
    systemctl.says(**RUNS)
    assert look() == Service(1, "loaded", "active", job=False, ended=None)


def test_what_would_keep_it_from_starting_is_looked_for_where_it_does_not_run(
    systemctl: Systemctl, tmp_path: Path
) -> None:
    stale = tmp_path / "keepalived.pid"
    stale.write_text("")
    systemctl.says(**FAILED)
    assert look().blocked == (PidFile(str(stale)),)
    apply(Owes.NOTHING)
    assert systemctl.asked == []
    systemctl.says(**RUNS)
    assert look().blocked == ()


def test_no_answer_is_no_service_that_does_not_run(systemctl: Systemctl) -> None:
    systemctl.refuses("Failed to connect to bus")
    with pytest.raises(FailedError, match=r"cannot ask systemd for keepalived.service: Failed to connect"):
        look()


@pytest.mark.parametrize(
    ("said", "asked"),
    [(NEVER, ["start"]), (FAILED, ["start"]), (STOPPED, []), (MASKED, [])],
    ids=["never", "failed", "stopped", "masked"],
)
@pytest.mark.parametrize("owes", [Owes.NOTHING, Owes.RELOAD])
def test_it_is_started_unless_somebody_has_stopped_it(
    systemctl: Systemctl, said: dict[str, object], asked: list[str], owes: Owes
) -> None:
    systemctl.says(**said)
    apply(owes)
    assert systemctl.asked == [f"{verb} --no-block {UNIT}" for verb in asked]


def test_with_the_first_file_of_halbd_s_it_is_started_whoever_stopped_it_before(systemctl: Systemctl) -> None:
    systemctl.says(**STOPPED)
    apply(Owes.START)
    assert systemctl.asked == [f"start --no-block {UNIT}"]


@pytest.mark.parametrize("owes", [Owes.RESTART, Owes.RESTART | Owes.RELOAD | Owes.START], ids=str)
def test_one_that_ran_on_a_foreign_file_is_restarted(systemctl: Systemctl, owes: Owes) -> None:
    systemctl.says(**RUNS)
    assert apply(owes)
    assert systemctl.asked == [f"restart --no-block {UNIT}"]


def test_one_that_was_stopped_after_it_ran_on_a_foreign_file_is_left_alone(systemctl: Systemctl) -> None:
    systemctl.says(**STOPPED)
    assert not apply(Owes.RESTART)
    assert systemctl.asked == []


@pytest.mark.parametrize(("owes", "asked"), [(Owes.NOTHING, []), (Owes.RELOAD, ["start"]), (Owes.RESTART, ["start"])])
def test_one_that_found_no_file_is_started_once_there_is_one(
    systemctl: Systemctl, owes: Owes, asked: list[str]
) -> None:
    """Debian's unit has ConditionFileNotEmpty=; systemd says "no" of a unit as well that was never started."""
    systemctl.says(**STOPPED, ConditionResult="no", ConditionTimestampMonotonic=5_000_000)
    assert look().unmet
    apply(owes)
    assert systemctl.asked == [f"{verb} --no-block {UNIT}" for verb in asked]
    systemctl.says(**STOPPED, ConditionResult="no", ConditionTimestampMonotonic=0)
    assert not look().unmet


def test_one_that_runs_is_told_of_a_change_by_a_signal_and_else_of_nothing(systemctl: Systemctl) -> None:
    with subprocess.Popen(["/bin/sleep", "600"]) as keepalived:
        systemctl.says(**RUNS | {"MainPID": keepalived.pid})
        apply(Owes.NOTHING)
        assert keepalived.poll() is None
        apply(Owes.RELOAD)
        assert keepalived.wait() == -signal.SIGHUP
    assert systemctl.asked == []
