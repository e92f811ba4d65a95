"""Files on a real disk: whole or not there, and never empty for who watches."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from halbd.system import files

WRITE = """
import sys
from pathlib import Path
from halbd.system import files
files.write(Path(sys.argv[1]), b"x" * 100_000)
"""


def test_what_was_there_stays_when_a_write_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    # As on a full disk: no file above 4096 bytes (setrlimit(2)). Python ignores the signal that comes with it.
    words = ["/usr/bin/prlimit", "--fsize=4096", sys.executable, "-c", WRITE, str(path)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)
    assert "File too large" in done.stderr
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old, new = b"o" * 200_000, b"n" * 100_000
    files.write(path, old)
    seen = watched(path, lambda i: files.write(path, (old, new)[i % 2]), 100)
    assert seen <= {old, new}


def test_the_mode_is_there_from_the_first_byte(tmp_path: Path) -> None:
    files.write(tmp_path / "secret", b"x", 0o600)
    files.write(tmp_path / "public", b"x")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("secret", "public")]
    assert modes == [0o600, 0o644]


def test_a_link_is_swapped_and_never_missing(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    files.link(link, str(tmp_path / "a"))
    seen = watched(link, lambda i: files.link(link, str(tmp_path / "ab"[i % 2])), 500)
    assert seen <= {b"a", b"b"}


def test_overwriting_never_shows_an_empty_file(tmp_path: Path) -> None:
    """An empty track_file means 0 to keepalived, and so: well."""
    path = tmp_path / "fault"
    files.overwrite(path, "1\n")
    inode = path.stat().st_ino
    seen = watched(path, lambda i: files.overwrite(path, f"{i % 2}\n"), 3000)
    assert seen <= {b"0\n", b"1\n"}
    assert path.stat().st_ino == inode


def test_appended_lines_of_many_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "history"
    threads = [threading.Thread(target=append_many, args=(path, letter)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(letter * 500 for letter in "abcd" for _ in range(100))


def append_many(path: Path, letter: str) -> None:
    for _ in range(100):
        files.append(path, letter * 500)


@pytest.mark.parametrize(
    "write",
    [lambda path: files.write(path, b""), lambda path: files.append(path, ""), lambda path: files.overwrite(path, "")],
    ids=["write", "append", "overwrite"],
)
def test_a_folder_that_is_missing_is_an_error_with_its_name(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        write(tmp_path / "missing" / "file")


def watched(path: Path, change: Callable[[int], object], times: int) -> set[bytes]:
    """Everything that a reader beside `times` changes has seen."""
    seen: set[bytes] = set()
    done = threading.Event()
    first = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())
            first.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert first.wait(10)
        for i in range(times):
            change(i)
    finally:
        done.set()
        reader.join()
    assert seen
    return seen
