"""What the parser is told of this machine."""

from __future__ import annotations

import os
from ipaddress import ip_interface
from pathlib import Path

import pytest

from halbd.model.host import HostAddress
from halbd.system.host import LONGEST, gather, read_file, read_secret


def test_the_addresses_of_this_namespace_are_gathered(tmp_path: Path) -> None:
    host = gather(tmp_path)
    assert HostAddress("lo", ip_interface("127.0.0.1/8")) in host.addresses
    assert host.configuration == tmp_path


def test_a_secret_comes_with_the_mode_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"s3cret_7")
    path.chmod(0o640)
    secret = read_secret(path)
    assert (secret.content, secret.mode) == (b"s3cret_7", 0o640)
    assert "s3cret" not in repr(secret)


@pytest.mark.parametrize("read", [read_file, read_secret])
def test_a_file_that_is_missing_is_an_oserror(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing")


@pytest.mark.parametrize("kind", ["fifo", "device", "folder"])
def test_only_a_regular_file_is_read(tmp_path: Path, kind: str) -> None:
    """A FIFO would be waited for, and /dev/zero has no end."""
    path = tmp_path / "file"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match=r"regular file|Is a directory"):
        read_file(path)


def test_no_more_than_a_sane_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (LONGEST + 100))
    assert len(read_file(tmp_path / "file")) == LONGEST + 1
