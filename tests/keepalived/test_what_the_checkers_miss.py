"""`keepalived -t` and `haproxy -c` pass these mistakes. Each is shown to pass, and to be closed by halbd itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.parse.told import told
from tests.render.cases import CONFIG
from tests.render.netns import add_address, inside, link, namespace
from tests.render.stand_in import HAPROXY
from tests.render.test_checkers import write
from tests.sample import sample_yaml

pytestmark = pytest.mark.root

OTHER = {"name": "lb2", "address": "10.10.50.3"}
FRONTEND = {"name": "a", "port": 6443, "servers": ["10.10.50.11:6443"]}


@dataclass(frozen=True)
class Miss:
    """`old` becomes `new` in the file, and the checker passes it; the config that says so is refused with `words`."""

    old: str
    new: str
    config: bytes
    words: str


KEEPALIVED = {
    "a source address that is not ours": Miss(
        "unicast_src_ip 10.10.50.2",
        "unicast_src_ip 10.10.50.99",
        sample_yaml(nodes=[{"name": "lb1", "address": "10.10.50.99"}, OTHER]),
        "nodes",
    ),
    "a peer that is ourselves": Miss(
        "        10.10.50.3\n",
        "        10.10.50.2\n",
        sample_yaml(nodes=[{"name": "lb1", "address": "10.10.50.2"}, {"name": "lb2", "address": "10.10.50.2"}]),
        "10.10.50.2",
    ),
    "a priority with something behind it": Miss(
        "priority 254",
        "priority 254 .",
        sample_yaml(nodes=[{"name": "lb1", "address": "10.10.50.2", "priority": "254 ."}, OTHER]),
        "priority",
    ),
    "a file that is not there to include": Miss(
        "global_defs {",
        "include /nonexistent\nglobal_defs {",
        sample_yaml(cluster="a\ninclude /nonexistent"),
        "cluster",
    ),
}


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with namespace(f"halbd-miss-{os.getpid()}") as name:
        link((name, "ens192"), (name, "other"))
        add_address(name, "ens192", "10.10.50.2/24")
        yield name


def keepalived(host: str, file: Path) -> int:
    return subprocess.run(
        inside(host, "keepalived", "-t", "-f", str(file)), check=False, capture_output=True
    ).returncode


@pytest.mark.parametrize("case", KEEPALIVED)
def test_keepalived_passes_it_and_the_parser_does_not(case: str, host: str, tmp_path: Path) -> None:
    miss = KEEPALIVED[case]
    file = write(CONFIG, tmp_path) / "keepalived.conf"
    text = file.read_text()
    assert miss.old in text
    file.write_text(text.replace(miss.old, miss.new, 1))
    assert keepalived(host, file) == 0
    problems = told(miss.config)
    assert any(miss.words in problem for problem in problems), problems


def test_the_same_vip_twice(host: str, tmp_path: Path) -> None:
    file = write(CONFIG, tmp_path) / "keepalived.conf"
    text = file.read_text()
    begin = text.index("vrrp_instance")
    again = (
        text[begin:]
        .replace("vrrp_instance ", "vrrp_instance again_", 1)
        .replace("virtual_router_id 4", "virtual_router_id 5")
    )
    file.write_text(text + again)
    assert keepalived(host, file) == 0
    assert told(sample_yaml(vips=[{"address": "10.10.50.4"}, {"address": "10.10.50.4", "virtual_router_id": 5}]))


def test_a_file_that_is_not_there_or_empty(host: str, tmp_path: Path) -> None:
    """A generation always holds one: it is written before it is judged, and never by hand."""
    assert keepalived(host, tmp_path / "nowhere") == 0
    (tmp_path / "empty").touch()
    assert keepalived(host, tmp_path / "empty") == 0
    assert (write(CONFIG, tmp_path / "ours") / "keepalived.conf").stat().st_size > 0


@pytest.mark.parametrize(
    ("bind", "refused"),
    [
        pytest.param("203.0.113.9:6443", sample_yaml(frontends=[FRONTEND | {"bind": "203.0.113.9"}]), id="not ours"),
        pytest.param("*:1", b"", id="needs a privilege"),
    ],
)
def test_haproxy_passes_a_bind_that_fails(bind: str, refused: bytes, tmp_path: Path) -> None:
    """The parser refuses an address that is neither a VIP nor this node's; for low ports halbd gives the privilege."""
    file = write(CONFIG, tmp_path) / "haproxy.cfg"
    text = file.read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("bind "))
    file.write_text(text.replace(line, f"    bind {bind}"))
    assert subprocess.run([HAPROXY, "-c", "-f", file], check=False, capture_output=True).returncode == 0
    assert not refused or any("bind" in problem for problem in told(refused))


def test_haproxy_passes_a_folder_for_its_socket_that_is_not_there(tmp_path: Path) -> None:
    """Halbd makes the folder, for the proxy's account, before each start (tests/daemon)."""
    folder = write(CONFIG, tmp_path)
    (tmp_path / "run" / "proxy").rmdir()
    assert (
        subprocess.run([HAPROXY, "-c", "-f", folder / "haproxy.cfg"], check=False, capture_output=True).returncode == 0
    )
