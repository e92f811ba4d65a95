"""The rendered files, judged by the real programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from halbd.model.config import Config
from halbd.render.render import render
from tests.render.cases import AROUND, CASES, CONFIG
from tests.render.netns import add_address, addresses, inside, link, namespace
from tests.render.stand_in import HAPROXY


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A namespace with the interface and the addresses of every node of the cases."""
    with namespace(f"halbd-check-{os.getpid()}") as name:
        link((name, "ens192"), (name, "other"))
        for config in CASES.values():
            length = 24 if config.node.address.version == 4 else 64
            if str(config.node.address) not in addresses(name):
                add_address(name, "ens192", f"{config.node.address}/{length}")
        yield name


def write(config: Config, folder: Path) -> Path:
    """The rendered files in a folder, with the runtime folder beside them."""
    runtime = folder / "run"
    (runtime / "proxy").mkdir(parents=True)
    (runtime / "track").mkdir()
    (runtime / "servers.state").write_text("1\n")
    for file in render(config, replace(AROUND, runtime=runtime)).files:
        (folder / file.name).write_text(file.text)
    return folder


def haproxy_check(folder: Path) -> tuple[int, str]:
    done = subprocess.run([HAPROXY, "-c", "-f", folder / "haproxy.cfg"], check=False, capture_output=True, text=True)
    return done.returncode, done.stderr


def keepalived_check(host: str, folder: Path) -> tuple[int, str]:
    words = inside(host, "keepalived", "-t", "-f", str(folder / "keepalived.conf"))
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_haproxy_accepts_what_is_rendered_without_a_warning(case: str, tmp_path: Path) -> None:
    code, output = haproxy_check(write(CASES[case], tmp_path))
    assert code == 0, output
    assert "[WARNING]" not in output or "has no nameservers" in output  # a machine without a resolv.conf


def test_haproxy_refuses_a_bad_file(tmp_path: Path) -> None:
    folder = write(CONFIG, tmp_path)
    config = folder / "haproxy.cfg"
    config.write_text(config.read_text().replace("balance roundrobin", "balance sideways"))
    code, output = haproxy_check(folder)
    assert code == 1
    assert "balance only supports" in output


@pytest.mark.root
@pytest.mark.parametrize("case", CASES)
def test_keepalived_accepts_what_is_rendered_without_a_word(case: str, host: str, tmp_path: Path) -> None:
    assert keepalived_check(host, write(CASES[case], tmp_path)) == (0, "")


@pytest.mark.root
def test_keepalived_accepts_a_node_without_peers(host: str, tmp_path: Path) -> None:
    assert keepalived_check(host, write(replace(CONFIG, nodes=(CONFIG.node,)), tmp_path)) == (0, "")


@pytest.mark.root
def test_keepalived_refuses_a_bad_file(host: str, tmp_path: Path) -> None:
    folder = write(CONFIG, tmp_path)
    config = folder / "keepalived.conf"
    config.write_text(config.read_text().replace("interface ens192", "interface ens999"))
    code, output = keepalived_check(host, folder)
    assert code != 0
    assert "ens999" in output


@pytest.mark.root
def test_keepalived_refuses_an_interpreter_that_is_not_there(host: str, tmp_path: Path) -> None:
    """Started all the same, keepalived would drop the check and take the VIP: this is why nothing starts unchecked."""
    folder = write(CONFIG, tmp_path)
    config = folder / "keepalived.conf"
    config.write_text(config.read_text().replace("/usr/bin/python3", "/usr/bin/python-that-is-not-there"))
    code, output = keepalived_check(host, folder)
    assert code != 0
    assert "Disabling track script halbd_check" in output
