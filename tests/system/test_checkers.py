"""The real haproxy and keepalived judge what was rendered, in their own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from halbd.model.config import Config
from halbd.model.errors import HalbdError, RefusedError
from halbd.model.files import File, FileSet
from halbd.model.paths import Paths
from halbd.render.render import render
from halbd.system import checkers
from halbd.system.run import run
from halbd.system.surroundings import surroundings
from tests.render.netns import link, namespace
from tests.sample import config as sample
from tests.system.within import fresh_name, within

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """A namespace with an interface: keepalived takes none that is not there, and no loopback."""
    with namespace(fresh_name()) as place:
        link((place, "eth0"), (place, "peer0"))
        yield place


def judge(place: str, files: FileSet, config: Config) -> None:
    within(place, lambda: checkers.check(files, config))


@pytest.fixture
def config() -> Config:
    """The sample, on the interface that the namespace has."""
    return sample(vips=[{"address": "10.10.50.4", "interface": "eth0"}], vrrp={"unicast": False})


@pytest.fixture
def files(place: str, config: Config, paths: Paths) -> FileSet:
    """What it renders to: both programs accept it."""
    rendered = render(config, surroundings(paths))
    judge(place, rendered, config)
    return rendered


def with_text(files: FileSet, name: str, old: str, new: str) -> FileSet:
    assert old in files.text(name)
    return FileSet(tuple(replace(f, text=f.text.replace(old, new)) if f.name == name else f for f in files.files))


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [
        ("haproxy.cfg", ("mode tcp", "mode carrier-pigeon"), "carrier-pigeon"),
        ("haproxy.cfg", ("ca-kube-apiserver.crt", "ca-missing.crt"), "ca-missing.crt"),
        ("haproxy.cfg", ("frontend ", "frontend\nbackend "), "frontend"),
        ("keepalived.conf", ("priority 254", "priority high"), "Priority not valid"),
        ("keepalived.conf", ("interface eth0", "interface none0"), "none0"),
        ("keepalived.conf", ("state BACKUP", "unicorn BACKUP"), "unicorn"),
    ],
)
def test_a_bad_file_is_refused_in_the_programs_own_words(
    place: str, files: FileSet, config: Config, name: str, bad: tuple[str, str], words: str
) -> None:
    program = name.partition(".")[0]
    with pytest.raises(RefusedError, match=rf"^{program} refuses the generated config \(exit -?\d+\): (?s:.*){words}"):
        judge(place, with_text(files, name, *bad), config)


def test_a_checker_that_crashes_refuses(place: str, files: FileSet, config: Config) -> None:
    """As keepalived 2.2.7 dies of an unterminated quote."""
    with pytest.raises(RefusedError, match="keepalived refuses"):
        judge(place, with_text(files, "keepalived.conf", "router_id lb1", 'router_id "lb1'), config)


def test_a_file_without_a_listener_is_refused(place: str, files: FileSet, config: Config) -> None:
    empty = FileSet((File("haproxy.cfg", ""), *(f for f in files.files if f.name != "haproxy.cfg")))
    with pytest.raises(RefusedError, match="haproxy refuses"):
        judge(place, empty, config)


def test_a_program_that_is_missing_is_an_error_and_not_a_refusal(place: str, files: FileSet, config: Config) -> None:
    elsewhere = replace(config, proxy=replace(config.proxy, binary="/no/such/haproxy"))
    with pytest.raises(HalbdError, match=r"^cannot run /no/such/haproxy: .*; correct proxy\.binary$") as error:
        judge(place, files, elsewhere)
    assert not isinstance(error.value, RefusedError)


def test_a_checker_that_hangs_is_given_up() -> None:
    with pytest.raises(HalbdError, match=r"^cannot run sleep: it did not end within 0\.05 s$"):
        run(["sleep", "60"], deadline=0.05)


def test_a_secret_is_written_for_root_alone(tmp_path: Path) -> None:
    checkers.write(FileSet((File("a", "x", secret=True), File("b", "x"))), tmp_path)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o644]


def test_envoy_is_asked_where_it_is_the_proxy(place: str, paths: Paths) -> None:
    config = sample(
        vips=[{"address": "10.10.50.4", "interface": "eth0"}], vrrp={"unicast": False}, proxy={"kind": "envoy"}
    )
    files = render(config, surroundings(paths))
    judge(place, files, config)
    with pytest.raises(RefusedError, match=r"^envoy refuses the generated config \(exit 1\): .*unknown fields"):
        judge(place, with_text(files, "envoy-check.json", '"idle_timeout"', '"idle_timeouts"'), config)
