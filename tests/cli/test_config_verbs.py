"""The verbs that read halbd.yaml: validate, render, diff, schema. No daemon runs."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.render.netns import add_address, inside, link, namespace
from tests.system.within import fresh_name

LOOPBACK = {
    "nodes": [{"name": "lb1", "address": "127.0.0.1"}, {"name": "lb2", "address": "127.0.0.2"}],
    "vips": [{"address": "127.0.0.9", "interface": "lo"}],
    "frontends": [
        {
            "name": "api",
            "port": 16443,
            "servers": [{"name": "cp1", "address": "127.0.0.11", "port": 6443}],
            "check": {"insecure": True},
        }
    ],
}
"""A node that any machine can be. keepalived itself refuses VRRP on lo, which is the world's no."""


@pytest.fixture
def file(folders: dict[str, Path]) -> Path:
    """A good halbd.yaml where the daemon would look for it."""
    path = folders["CONFIGURATION_DIRECTORY"] / "halbd.yaml"
    path.write_text(yaml.safe_dump(LOOPBACK))
    return path


@pytest.fixture
def node(folders: dict[str, Path]) -> Iterator[tuple[str, ...]]:
    """A namespace that is lb1 on a link where VRRP works; gives the words that run a command there."""
    config = LOOPBACK | {
        "nodes": [{"name": "lb1", "address": "10.10.50.2"}, {"name": "lb2", "address": "10.10.50.3"}],
        "vips": [{"address": "10.10.50.4"}],
    }
    (folders["CONFIGURATION_DIRECTORY"] / "halbd.yaml").write_text(yaml.safe_dump(config))
    with namespace(fresh_name()) as name:
        link((name, "eth0"), (name, "peer0"))
        add_address(name, "eth0", "10.10.50.2/24")
        yield inside(name)


def test_every_problem_is_one_line_that_an_editor_can_jump_to(halbctl: Run, file: Path) -> None:
    file.write_text("nodes: 7\nvips: []\nnosuchkey: 1\n")
    done = halbctl("validate")
    as_json = halbctl("validate", "--json")
    lines = done.stderr.splitlines()
    assert (done.returncode, as_json.returncode, done.stdout) == (2, 2, "")
    assert len(lines) > 2
    assert all(line.startswith(f"{file}:") for line in lines)
    assert any(line.startswith(f"{file}:3: nosuchkey: ") for line in lines)
    assert len(json.loads(as_json.stdout)["problems"]) == len(lines)


@pytest.mark.parametrize("verb", ["validate", "render", "diff"])
def test_a_file_that_is_missing_or_unreadable_is_a_problem_of_one_line(halbctl: Run, tmp_path: Path, verb: str) -> None:
    missing, folder = halbctl(verb), halbctl(verb, "--config", tmp_path)
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (2, "", 1)
    assert "halbd.yaml: cannot read it: No such file or directory; " in missing.stderr
    assert folder.returncode == 2
    assert f"{tmp_path}: cannot read it: Is a directory" in folder.stderr


def test_another_node_can_be_named(halbctl: Run, file: Path) -> None:
    assert file.exists()
    done = halbctl("render", "--node", "lb2")
    assert done.returncode == 0
    assert "unicast_src_ip 127.0.0.2" in done.stdout
    assert halbctl("render", "--node", "nobody").returncode == 2


def test_a_program_that_refuses_or_is_missing_is_the_world_and_not_the_file(halbctl: Run, file: Path) -> None:
    refused = halbctl("validate")
    file.write_text(yaml.safe_dump(LOOPBACK | {"proxy": {"binary": "/nonexistent/haproxy"}}))
    missing = halbctl("validate")
    as_json = halbctl("validate", "--json")
    assert [done.returncode for done in (refused, missing, as_json)] == [1, 1, 1]
    assert [done.stdout for done in (refused, missing)] == ["", ""]
    assert "Traceback" not in refused.stderr + missing.stderr
    assert missing.stderr.startswith("halbctl: cannot ")
    assert json.loads(as_json.stdout)["refused"] in missing.stderr


@pytest.mark.root
def test_a_fine_file_is_fine_and_says_as_which_node(
    halbctl: Run, folders: dict[str, Path], node: tuple[str, ...]
) -> None:
    done = halbctl("validate", inside=node)
    as_json = halbctl("validate", "--json", inside=node)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{folders['CONFIGURATION_DIRECTORY']}/halbd.yaml is fine; this node is lb1\n"
    assert json.loads(as_json.stdout)["node"] == "lb1"


def test_render_prints_each_file_under_its_name(halbctl: Run, file: Path) -> None:
    assert file.exists()
    done = halbctl("render")
    as_json = halbctl("render", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# ==> haproxy.cfg <==\n# Written by halbd.")
    assert "\n# ==> keepalived.conf <==\n# Written by halbd." in done.stdout
    assert [one["name"] for one in json.loads(as_json.stdout)["files"]] == ["haproxy.cfg", "keepalived.conf"]


@pytest.fixture
def secret(file: Path) -> str:
    """The same config with VRRP version 2 and a password."""
    (file.parent / "auth").write_text("s3cr3t!\n".replace("!", "x"))
    (file.parent / "auth").chmod(0o600)
    vrrp = {"version": 2, "advert_int": 1, "auth_pass_file": str(file.parent / "auth")}
    file.write_text(yaml.safe_dump(LOOPBACK | {"vrrp": vrrp}))
    return "s3cr3tx"


def test_a_secret_is_written_with_0600_and_never_printed(halbctl: Run, tmp_path: Path, secret: str) -> None:
    printed, as_json, diff = halbctl("render"), halbctl("render", "--json"), halbctl("diff")
    written = halbctl("render", "--output", tmp_path / "out")
    assert [done.returncode for done in (printed, as_json, diff, written)] == [0, 0, 0, 0]
    assert secret not in printed.stdout + as_json.stdout + diff.stdout + written.stdout
    assert "# ==> keepalived.conf <==\n# not shown: it holds a secret; --output FOLDER writes it\n" in printed.stdout
    assert "keepalived.conf: changed (secret, not shown)" in diff.stdout
    conf = tmp_path / "out" / "keepalived.conf"
    assert secret in conf.read_text()
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out" / "haproxy.cfg").stat().st_mode) == 0o644


def test_render_overwrites_its_own_files_and_nobody_elses(halbctl: Run, tmp_path: Path, file: Path) -> None:
    assert file.exists()
    out = tmp_path / "out"
    assert [halbctl("render", "--output", out).returncode for _ in range(2)] == [0, 0]
    (out / "haproxy.cfg").write_text("by hand\n")
    done = halbctl("render", "--output", out)
    assert done.returncode == 1
    assert done.stderr == (
        f"halbctl: cannot write to {out}: haproxy.cfg there was not written by halbd; name an empty folder\n"
    )
    assert (out / "haproxy.cfg").read_text() == "by hand\n"
    onto_a_file = halbctl("render", "--output", out / "haproxy.cfg")
    assert (onto_a_file.returncode, onto_a_file.stderr.count("\n")) == (1, 1)


def test_diff_shows_everything_as_new_where_nothing_is_in_force(halbctl: Run, file: Path) -> None:
    assert file.exists()
    done = halbctl("diff")
    assert done.returncode == 0
    assert "+++ new/haproxy.cfg" in done.stdout
    assert "# nothing is in force yet" in done.stdout


@pytest.fixture
def in_force(halbctl: Run, folders: dict[str, Path], file: Path) -> Path:
    """The good file put in force, as the daemon leaves it."""
    generation = folders["STATE_DIRECTORY"] / "generations" / "one"
    assert halbctl("render", "--output", generation).returncode == 0
    (generation / "halbd.yaml").write_text(file.read_text())
    (generation / "inputs.json").write_text("{}")
    (folders["STATE_DIRECTORY"] / "current").symlink_to(generation)
    return file


def test_diff_against_what_is_in_force_names_the_change_and_the_action(halbctl: Run, in_force: Path) -> None:
    same = halbctl("diff", "--exit-code")
    in_force.write_text(in_force.read_text().replace("127.0.0.11", "127.0.0.12"))
    changed, coded = halbctl("diff"), halbctl("diff", "--exit-code", "--json")
    assert (same.returncode, same.stdout) == (0, "no change\n")
    assert (changed.returncode, coded.returncode) == (0, 1)
    assert "--- in force/haproxy.cfg\n+++ new/haproxy.cfg\n" in changed.stdout
    assert "127.0.0.12:6443" in changed.stdout
    assert "# reload the proxy" in changed.stdout
    assert list(json.loads(coded.stdout)["changed"]) == ["haproxy.cfg"]


def test_diff_says_so_where_the_file_in_force_cannot_be_read(halbctl: Run, in_force: Path) -> None:
    (in_force.parents[1] / "state" / "current" / "halbd.yaml").write_text("broken: [")
    assert "# what a reload would do is not known" in halbctl("diff").stdout


def test_schema_is_json(halbctl: Run) -> None:
    done = halbctl("schema")
    assert done.returncode == 0
    assert {"nodes", "vips", "frontends"} <= set(json.loads(done.stdout)["properties"])
