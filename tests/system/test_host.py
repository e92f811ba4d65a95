"""What the parser is told of this machine."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

import pytest

from halbd.model.host import HostAddress
from halbd.system.host import gather, read_file, read_secret


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
