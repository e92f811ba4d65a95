"""Whose hands can reach halbd-check, and what keepalived is told to run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halbd.model.errors import HalbdError
from halbd.model.paths import Paths
from halbd.system.programs import find
from halbd.system.run import run
from halbd.system.surroundings import check_program, install_check_program, surroundings, trusted

pytestmark = pytest.mark.root


@pytest.fixture
def script(paths: Paths) -> Path:
    """A file below folders that root alone can change; /tmp above them is sticky."""
    path = paths.state / "inner" / "check.py"
    path.parent.mkdir()
    path.write_text("")
    assert trusted(path)
    return path


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
@pytest.mark.parametrize("part", ["file", "folder"])
def test_what_another_account_can_write_to_is_not_trusted(script: Path, part: str, mode: int) -> None:
    """Group-writable counts where the group is not root's."""
    one = script if part == "file" else script.parent
    os.chown(one, 0, 65534)
    one.chmod(mode)
    assert not trusted(script)


def test_a_group_that_is_roots_may_write(script: Path) -> None:
    script.chmod(0o664)
    assert trusted(script)


@pytest.mark.parametrize("part", ["file", "folder"])
def test_what_another_account_owns_is_not_trusted(script: Path, part: str) -> None:
    os.chown(script if part == "file" else script.parent, 65534, 0)
    assert not trusted(script)


def test_a_sticky_folder_is_trusted_as_tmp_is(script: Path) -> None:
    script.parent.chmod(0o1777)
    assert trusted(script)


def test_a_link_is_judged_by_what_it_points_to(script: Path, paths: Paths) -> None:
    link = paths.configuration / "link"
    link.symlink_to(script)
    assert trusted(link)
    script.chmod(0o666)
    assert not trusted(link)


def test_who_can_change_a_link_chooses_the_file(script: Path, paths: Paths) -> None:
    """Every link and every folder that one is in counts, also in the middle of the way."""
    folder = paths.configuration / "links"
    folder.mkdir()
    (folder / "inner").symlink_to(script.parent)
    outer = paths.configuration / "outer"
    outer.symlink_to(Path("links", "inner", script.name))
    assert trusted(outer)
    folder.chmod(0o777)
    assert not trusted(outer)
    assert trusted(script)
    folder.chmod(0o755)
    os.chown(folder / "inner", 65534, 0, follow_symlinks=False)
    assert not trusted(outer)


@pytest.mark.parametrize("mode", [0o700, 0o600])
def test_what_others_cannot_read_is_not_used(script: Path, mode: int) -> None:
    """halbd-check runs as an account without rights."""
    (script.parent if mode & 0o100 else script).chmod(mode)
    assert not trusted(script)


def test_the_check_that_is_used_is_trusted_and_readable(paths: Paths) -> None:
    install_check_program(paths)
    assert trusted(check_program(paths))


def test_the_command_runs_as_keepalived_would_run_it(paths: Paths) -> None:
    """Nobody listens on the socket, and there is nothing to look at: it may not hold the VIP."""
    install_check_program(paths)
    outcome = run(surroundings(paths).check_command)
    assert outcome.code == 1
    assert outcome.words.startswith("may not hold the VIP: ")


def test_the_command_drops_all_privileges(paths: Paths) -> None:
    *before, _script, _socket = surroundings(paths).check_command
    drop = before[: before.index("--no-new-privs") + 1]
    words = run([*drop, "/bin/grep", "-E", "^(Uid|CapEff|NoNewPrivs|Groups):", "/proc/self/status"]).words
    status = {key: value.split() for key, _, value in (line.partition(":") for line in words.splitlines())}
    assert "0" not in status["Uid"]
    assert status["CapEff"] == ["0000000000000000"]
    assert status["NoNewPrivs"] == ["1"]
    assert status["Groups"] == []


def test_a_command_whose_script_has_gone_fails(paths: Paths) -> None:
    """So that keepalived fails closed."""
    *before, _script, socket = surroundings(paths).check_command
    assert run([*before, "/no/such/check.py", socket]).code != 0


def test_a_program_that_is_not_installed_is_named_with_its_package() -> None:
    with pytest.raises(HalbdError, match=r"^cannot find halbdx: it is not installed; install the package halbdx$"):
        find("halbdx")
