"""Which programs and accounts this machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halbd.model.config import Proxy, ProxyKind
from halbd.model.errors import HalbdError
from halbd.system.programs import account, check_account, find, low_port_capabilities, proxy_account, proxy_binary
from tests.sample import config


def test_a_program_is_found_by_its_full_path() -> None:
    assert Path(find("sh")).is_absolute()


def test_the_sbin_folders_are_searched_whatever_path_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find("sh")


def test_a_binary_that_the_file_names_is_used(tmp_path: Path) -> None:
    binary = tmp_path / "haproxy"
    binary.touch(mode=0o755)
    assert proxy_binary(Proxy(binary=str(binary))) == str(binary)


@pytest.mark.parametrize("kind", ["missing", "not executable", "a folder"])
def test_a_binary_that_cannot_run_is_said_plainly(tmp_path: Path, kind: str) -> None:
    binary = tmp_path / "haproxy"
    if kind == "not executable":
        binary.touch(mode=0o644)
    elif kind == "a folder":
        binary.mkdir()
    with pytest.raises(HalbdError, match=r"^cannot run .*: no executable program is there; correct proxy\.binary$"):
        proxy_binary(Proxy(binary=str(binary)))


def test_an_account_that_does_not_exist_is_said_plainly() -> None:
    with pytest.raises(HalbdError, match=r"^cannot run the proxy as nosuch: .*; correct proxy\.user$"):
        proxy_account(Proxy(user="nosuch"))


def test_the_proxys_account_is_the_files_the_distributions_or_nobody() -> None:
    assert proxy_account(Proxy(user="daemon")) == account("daemon")
    assert proxy_account(Proxy()) == (account("haproxy") or account("nobody"))
    assert proxy_account(Proxy(kind=ProxyKind.ENVOY)) == (account("envoy") or account("nobody"))


def test_the_check_never_runs_as_root() -> None:
    assert check_account().pw_uid != 0
    assert os.getuid() != check_account().pw_uid or os.getuid() != 0


def test_envoy_is_the_one_on_path_or_the_packages_own_program() -> None:
    """Not the wrapper that the package puts beside the interpreter: a process is known by its executable."""
    with Path(proxy_binary(Proxy(kind=ProxyKind.ENVOY))).open("rb") as program:
        assert program.read(4) == b"\x7fELF"


def test_only_ports_below_1024_need_a_capability() -> None:
    frontend = {"name": "api", "servers": ["10.10.50.11:6443"]}
    assert low_port_capabilities(config(frontends=[frontend | {"port": 1024}])) == ()
    assert low_port_capabilities(config(frontends=[frontend | {"port": 443}])) == ("+net_bind_service",)
