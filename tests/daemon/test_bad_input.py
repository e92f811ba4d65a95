"""The real command and everything that can be wrong: its exit code, a plain line for each problem, nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
import yaml

from halbd.lab.certs import Authority
from halbd.model.config import ProxyKind
from halbd.system.programs import find
from tests.daemon.conftest import both, fresh_name
from tests.daemon.node import Node, bare_node, document, frontend

pytestmark = pytest.mark.root

Document: TypeAlias = dict[str, Any]
NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
"""Words that make root respect a file's mode."""


@pytest.fixture(scope="module")
def place(ca: Authority, kind: ProxyKind) -> Iterator[Node]:
    """One node for all of these: nothing ever runs on it for long."""
    with bare_node(fresh_name(), ca, kind) as node:
        yield node


@pytest.fixture
def node(place: Node) -> Iterator[Node]:
    """After every test: nothing runs, nothing is in force, no file but a log was made."""
    place.log.write_text("")
    place.write()
    yield place
    left = place.pids
    place.kill_all()
    assert left == set()
    assert place.generations() == []
    assert not place.paths.current.is_symlink()
    assert not place.paths.socket.exists()
    assert not place.paths.history.exists()
    assert not place.holds_vip


def refused(node: Node, *words: str, before: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """The exit code, and every line that is more than a rumour: all must be plain words, and no traceback."""
    code = node.start(*words, before=before).wait(30)
    text = node.log.read_text()
    assert "Traceback" not in text
    rows = [json.loads(line) for line in text.splitlines()]
    return code, [row["problem"] if row["event"] == "config.problem" else row["why"] for row in rows]


def with_frontend(**keys: Any) -> Document:
    return document() | {"frontends": [frontend(**keys)]}


def secret(node: Node, content: str, mode: int = 0o600) -> Document:
    path = node.folder / "secret"
    path.touch(mode=0o600)
    path.chmod(mode)
    path.write_text(content)
    return document() | {"vrrp": {"version": 2, "advert_int": 1, "auth_pass_file": str(path)}}


EVIL = ("a\n    server evil 10.0.0.1:1", 'a"b', "a'b", "a#b", "a b", "a\\b", "a\0b", "a\u2028b", "a;b", "a{b")


WRONG: dict[str, tuple[Document, list[str]]] = {
    "unknown key": (document() | {"colour": "red"}, ["colour"]),
    "unknown key below": (with_frontend(colour="red"), ["frontends[0].colour"]),
    "wrong type": (with_frontend(port="many"), ["frontends[0].port"]),
    "a list where a mapping belongs": (document() | {"health": []}, ["health"]),
    "port 70000": (with_frontend(port=70000), ["70000 is not a port"]),
    "nothing required is there": ({}, ["nodes", "vips", "frontends"]),
    "this node is not listed": (
        document() | {"nodes": [{"name": f"lb{i}", "address": f"10.99.0.{i}"} for i in (8, 9)]},
        ["nodes"],
    ),
    "the same priority twice": (
        document() | {"nodes": [{"name": f"lb{i}", "address": f"10.99.0.{i}", "priority": 100} for i in (1, 2)]},
        ["priority"],
    ),
    "an IPv6 VIP beside IPv4 nodes": (
        document() | {"vips": [{"address": "2001:db8::4", "interface": "eth0"}]},
        ["2001:db8::4"],
    ),
    "version 2 with a fraction": (document() | {"vrrp": {"version": 2, "advert_int": 0.2}}, ["vrrp.advert_int"]),
    "a CA that is missing": (
        with_frontend(check=frontend()["check"] | {"ca_file": "none.crt"}),
        ["none.crt"],
    ),
    "three at once": (
        document() | {"frontends": [frontend(port=0, balance="luck")], "log": {"level": "loud"}},
        ["port", "balance", "log.level"],
    ),
    "server names that would be directives": (
        with_frontend(
            servers=[{"name": name, "address": f"10.99.0.{i}", "port": 1} for i, name in enumerate(EVIL, 20)]
        ),
        [f"frontends[0].servers[{i}].name" for i in range(len(EVIL))],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_ends_with_2_and_a_line_for_each_problem(node: Node, case: str) -> None:
    wrong, words = WRONG[case]
    node.write_text(yaml.safe_dump(wrong))
    code, lines = refused(node)
    assert code == 2, lines
    assert len(lines) == len(words), lines
    assert all(any(word in line for line in lines) for word in words), lines


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("nodes: [\n", "line 2"),
        ("\tnodes: 1\n", "line 1"),
        ("just words\n", "stands where keys belong"),
        ("nodes: &a [*a]\n", "line 1"),
        ("cluster: a\ncluster: b\n", "cluster"),
        ("\x00\x01\x02", "line 1"),
    ],
    ids=["empty", "a comment", "not YAML", "a tab", "no mapping", "a loop", "a key twice", "binary"],
)
def test_a_file_that_is_no_config_at_all_ends_with_2(node: Node, text: str, word: str) -> None:
    node.write_text(text)
    code, lines = refused(node)
    assert code == 2, lines
    assert any(word in line for line in lines), lines


def test_no_file_ends_with_2_and_says_where_it_was_looked_for(node: Node) -> None:
    node.paths.config_file.unlink()
    code, (line,) = refused(node)
    assert code == 2
    assert line == (
        f"{node.paths.config_file}: cannot read it: No such file or directory; write it, or name another with --config"
    )


def test_a_folder_ends_with_2(node: Node) -> None:
    code, (line,) = refused(node, "--config", str(node.folder))
    assert (code, line) == (2, f"{node.folder}: cannot read it: Is a directory")


def test_a_file_that_may_not_be_read_ends_with_2(node: Node) -> None:
    node.paths.config_file.chmod(0)
    try:
        code, (line,) = refused(node, before=NO_OVERRIDE)
    finally:
        node.paths.config_file.chmod(0o644)
    assert (code, line) == (2, f"{node.paths.config_file}: cannot read it: Permission denied")


def test_a_node_that_is_not_in_the_file_ends_with_2(node: Node) -> None:
    code, lines = refused(node, "--node", "lb7")
    assert code == 2
    assert any("lb7" in line for line in lines), lines


@pytest.mark.parametrize(
    ("content", "mode", "word"),
    [("nine_bytes", 0o600, "8"), ("s3cret_7", 0o644, "0600")],
    ids=["9 bytes", "readable for others"],
)
def test_a_bad_secret_ends_with_2_and_is_not_told(node: Node, content: str, mode: int, word: str) -> None:
    node.write_text(yaml.safe_dump(secret(node, content[:9], mode)))
    code, lines = refused(node)
    assert code == 2, lines
    assert any("auth_pass_file" in line and word in line for line in lines), lines
    assert content[:9] not in node.log.read_text()


def test_usage_ends_with_2(node: Node) -> None:
    assert node.start("--nod", "lb1").wait(30) == 2
    assert "unrecognized arguments: --nod" in node.log.read_text()


# the world and not the file: exit 1


@both
def test_a_proxy_binary_that_does_not_exist_ends_with_1(node: Node) -> None:
    node.write(proxy={"binary": "/no/such/haproxy"})
    code, (line,) = refused(node)
    assert code == 1, line
    assert line == "cannot run /no/such/haproxy: no executable program is there; correct proxy.binary"


@both
def test_an_account_that_does_not_exist_ends_with_1(node: Node) -> None:
    node.write(proxy={"user": "nosuch"})
    code, (line,) = refused(node)
    assert code == 1, line
    assert "cannot run the proxy as nosuch" in line


@both
def test_a_port_that_is_held_ends_with_1_and_names_the_holder(node: Node) -> None:
    script = "import socket; s = socket.create_server(('', 6443)); print('ready', flush=True); s.accept()"
    holder = node.run_in("/usr/bin/python3", "-c", script)
    node.until(lambda: "ready" in node.log.read_text(), "the holder")
    node.log.write_text("")
    try:
        code, (line,) = refused(node)
    finally:
        holder.kill()
        holder.wait()
    assert code == 1
    assert line == f"cannot listen on port 6443: python3 (pid {holder.pid}) already does"


@both
def test_a_file_limit_that_is_too_low_ends_with_1(node: Node) -> None:
    low = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource", "prlimit", "--nofile=512:512")
    code, (line,) = refused(node, before=low)
    assert code == 1
    assert line.startswith("cannot allow ")
    assert "raise LimitNOFILE in the unit" in line


@both
def test_a_folder_that_cannot_be_written_ends_with_1(node: Node) -> None:
    read_only = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"')
    node.paths.state.mkdir(exist_ok=True)
    code, (line,) = refused(node, before=(*read_only, str(node.paths.state)))
    assert code == 1
    assert "Read-only file system" in line


@pytest.mark.parametrize("program", ["keepalived", "haproxy", "setpriv"])
def test_a_program_that_is_not_installed_ends_with_1(node: Node, program: str) -> None:
    """Something that cannot be executed lies over it, in a mount namespace of its own."""
    hidden = ("unshare", "-m", "sh", "-c", 'mount --bind /dev/null "$0" && exec "$@"', find(program))
    code, (line,) = refused(node, before=hidden)
    assert code == 1
    assert line == f"cannot find {program}: it is not installed; install the package {program}"
