"""Generations on disk: staged beside, put in force by a rename, rolled back, pruned, read again after a crash."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from halbd.model.files import File, FileSet
from halbd.model.paths import Paths
from halbd.system import generations
from halbd.system.generations import Source

SOURCE = Source(b"cluster: one\n", {"/etc/halbd/ca.crt": b"PEM", "/etc/halbd/secret": b"\xff\x00"})


def fileset(text: str = "one") -> FileSet:
    return FileSet((File("haproxy.cfg", text), File("keepalived.conf", text, secret=True)))


def install(paths: Paths, text: str) -> Path | None:
    files = fileset(text)
    return generations.commit(paths, generations.stage(paths, files, SOURCE), files)


def in_force(paths: Paths) -> str:
    return (paths.current / "haproxy.cfg").read_text()


def test_what_is_staged_is_not_in_force(paths: Paths) -> None:
    folder = generations.stage(paths, fileset(), SOURCE)
    assert generations.current(paths) is None
    assert (folder / "haproxy.cfg").read_text() == "one"
    generations.discard(folder)
    assert list(paths.generations.iterdir()) == []


def test_a_secret_is_never_readable_for_others(paths: Paths) -> None:
    """The file itself, and everything that quotes it: the operator's text and its named files."""
    folder = generations.stage(paths, fileset(), SOURCE)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"haproxy.cfg": 0o644, "keepalived.conf": 0o600, "halbd.yaml": 0o600, "inputs.json": 0o600}


def test_commit_gives_the_generation_before(paths: Paths) -> None:
    assert install(paths, "one") is None
    first = generations.current(paths)
    assert install(paths, "two") == first
    assert in_force(paths) == "two"


def test_the_same_content_is_the_same_generation(paths: Paths) -> None:
    install(paths, "one")
    before = generations.current(paths)
    assert install(paths, "one") == before
    assert generations.current(paths) == before
    assert len(list(paths.generations.iterdir())) == 1


def test_a_damaged_generation_is_whole_again_once_it_is_installed_again(paths: Paths) -> None:
    install(paths, "one")
    (paths.current / "haproxy.cfg").write_text("by hand")
    (paths.current / "inputs.json").unlink()
    install(paths, "one")
    assert in_force(paths) == "one"
    assert generations.last_good(paths) == SOURCE


@pytest.mark.parametrize("texts", ["ab", "aa"], ids=["changed", "the same again"])
def test_somebody_who_reads_beside_a_swap_always_finds_a_generation(paths: Paths, texts: str) -> None:
    """A crash in between would find the same, and there would be no last good generation to start from."""
    install(paths, "a")
    missing: list[FileNotFoundError] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                os.stat(paths.current / "haproxy.cfg")  # noqa: PTH116  # the fastest look there is
            except FileNotFoundError as error:
                missing.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(100):
        install(paths, texts[i % 2])
    done.set()
    reader.join()
    assert missing == []


def test_roll_back_puts_the_one_before_in_force(paths: Paths) -> None:
    install(paths, "one")
    before = install(paths, "two")
    generations.roll_back(paths, before)
    assert in_force(paths) == "one"


def test_a_file_of_an_earlier_generation_is_another_one_or_not_or_not_known(paths: Paths) -> None:
    install(paths, "one")
    one = paths.current.resolve().name
    install(paths, "two")
    two = paths.current.resolve().name
    assert generations.had_other(paths, one, "haproxy.cfg")
    assert not generations.had_other(paths, two, "haproxy.cfg")
    for unknown in ("", "gone"):
        assert not generations.had_other(paths, unknown, "haproxy.cfg")


def test_roll_back_of_the_first_one_leaves_none(paths: Paths) -> None:
    generations.roll_back(paths, install(paths, "one"))
    assert generations.current(paths) is None
    assert generations.installed(paths) == FileSet(())


def test_the_last_good_one_gives_back_what_it_was_made_from(paths: Paths) -> None:
    install(paths, "one")
    last = generations.last_good(paths)
    assert last == SOURCE
    secret = last.read_secret(Path("/etc/halbd/secret"))
    assert (secret.content, secret.mode) == (b"\xff\x00", 0o600)
    with pytest.raises(FileNotFoundError, match="when this generation was made"):
        last.read(Path("/etc/halbd/other"))


@pytest.mark.parametrize("text", ["", "not JSON", "[]", "null", '{"a": 1}', '{"a": "\\u2713"}', "\udcff"], ids=ascii)
def test_broken_inputs_are_no_last_good_generation_and_no_crash(paths: Paths, text: str) -> None:
    install(paths, "one")
    (paths.current / "inputs.json").write_text(text, errors="surrogateescape")
    assert generations.last_good(paths) is None


@pytest.mark.parametrize("name", ["inputs.json", "halbd.yaml"])
def test_a_missing_part_is_no_last_good_generation(paths: Paths, name: str) -> None:
    install(paths, "one")
    (paths.current / name).unlink()
    assert generations.last_good(paths) is None


def test_a_dangling_link_is_no_generation(paths: Paths) -> None:
    install(paths, "one")
    folder = generations.current(paths)
    assert folder is not None
    generations.discard(folder)
    assert generations.current(paths) is None
    assert generations.last_good(paths) is None


def test_installed_are_the_rendered_files_with_their_secrecy(paths: Paths) -> None:
    install(paths, "one")
    assert generations.installed(paths) == fileset("one")


def test_an_operators_text_that_is_not_utf8_is_kept_byte_by_byte(paths: Paths) -> None:
    source = Source(b"# caf\xe9\r\n\n", {})
    generations.commit(paths, generations.stage(paths, fileset(), source), fileset())
    assert generations.last_good(paths) == source


def test_prune_keeps_the_newest_the_one_in_force_and_no_staging(paths: Paths) -> None:
    install(paths, "first")
    first = generations.current(paths)
    for i in range(generations.KEPT + 2):
        install(paths, str(i))
        age(paths, 100 - i)
    left_by_a_crash = generations.stage(paths, fileset(), SOURCE)
    generations.roll_back(paths, first)
    generations.prune(paths, None)
    assert not left_by_a_crash.exists()
    assert in_force(paths) == "first"
    assert len(list(paths.generations.iterdir())) == generations.KEPT + 1


def test_prune_keeps_the_one_that_may_have_to_be_put_back(paths: Paths) -> None:
    """After many generations that were refused at the last moment the one that works is the oldest of all."""
    install(paths, "works")
    age(paths, 1000)
    works = generations.current(paths)
    for i in range(generations.KEPT + 2):
        before = install(paths, str(i))
        generations.prune(paths, before)
        generations.roll_back(paths, before)
    assert generations.current(paths) == works
    assert in_force(paths) == "works"


def age(paths: Paths, seconds: float) -> None:
    """Make the generation in force that much older."""
    folder = paths.current.resolve()
    then = folder.stat().st_mtime - seconds
    os.utime(folder, (then, then))


def test_a_file_that_was_changed_or_removed_is_put_right_and_what_was_there_is_kept(paths: Paths) -> None:
    install(paths, "one")
    folder = paths.current.readlink()
    assert generations.changed(paths, fileset(), SOURCE) == ()
    (folder / "haproxy.cfg").write_text("by hand")
    (folder / "keepalived.conf").unlink()
    (folder / "haproxy.cfg~").write_text("an editor's, and nobody's business")
    assert generations.changed(paths, fileset(), SOURCE) == ("haproxy.cfg", "keepalived.conf")
    generations.mend(paths, fileset(), SOURCE)
    assert generations.changed(paths, fileset(), SOURCE) == ()
    assert in_force(paths) == "one"
    assert {path.name: path.read_text() for path in paths.kept.iterdir()} == {"haproxy.cfg": "by hand"}
    assert (paths.kept.stat().st_mode & 0o777, (folder / "keepalived.conf").stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("removed", ["current", "generations"])
def test_a_generation_that_was_removed_is_put_in_force_again(paths: Paths, removed: str) -> None:
    install(paths, "one")
    paths.current.unlink() if removed == "current" else shutil.rmtree(paths.generations)
    assert generations.changed(paths, fileset(), SOURCE)
    generations.mend(paths, fileset(), SOURCE)
    assert in_force(paths) == "one"
    assert generations.changed(paths, fileset(), SOURCE) == ()


def test_a_pipe_in_a_files_place_holds_nobody_up(paths: Paths) -> None:
    install(paths, "one")
    file = paths.current / "haproxy.cfg"
    file.unlink()
    os.mkfifo(file)
    assert generations.changed(paths, fileset(), SOURCE) == ("haproxy.cfg",)
    generations.mend(paths, fileset(), SOURCE)
    assert in_force(paths) == "one"
