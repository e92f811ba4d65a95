"""The rendered bytes, for people to read. HALBD_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from halbd.model.config import OnNoServers, Timeouts, Vrrp
from halbd.render.keepalived import check_command
from halbd.render.render import render
from halbd.render.words import HEADER
from tests.render.cases import AROUND, CA_PEM, CASES, CONFIG, EIGHT_BYTES, FRONTEND, with_frontend

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["haproxy.cfg", "keepalived.conf"])
def test_the_rendered_file_is_the_golden_one(case: str, name: str) -> None:
    text = render(CASES[case], AROUND).text(name)
    golden = GOLDEN / case / name
    if os.environ.get("HALBD_UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


def test_no_golden_folder_is_left_over() -> None:
    assert {folder.name for folder in GOLDEN.iterdir() if not folder.name.startswith("envoy-")} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_same_config_gives_the_same_bytes(case: str) -> None:
    assert render(CASES[case], AROUND) == render(replace(CASES[case]), replace(AROUND))


@pytest.mark.parametrize("case", CASES)
def test_every_file_says_who_wrote_it_and_ends_with_a_newline(case: str) -> None:
    """A truncated haproxy.cfg is known by its missing last newline, so there must be one."""
    for file in render(CASES[case], AROUND).files:
        assert file.text.startswith(HEADER)
        assert file.text.endswith("\n")
        assert not file.text.endswith("\n\n")


def test_the_files_are_ordered_by_name() -> None:
    names = [file.name for file in render(CONFIG, AROUND).files]
    assert names == ["ca-kube-apiserver.crt", "haproxy.cfg", "keepalived.conf"]


def test_the_ca_file_carries_the_ca() -> None:
    assert render(CONFIG, AROUND).text("ca-kube-apiserver.crt").endswith(CA_PEM)


def test_no_ca_file_where_nothing_is_verified() -> None:
    assert [file.name for file in render(CASES["insecure"], AROUND).files] == ["haproxy.cfg", "keepalived.conf"]


def test_only_the_file_with_the_password_is_secret() -> None:
    files = render(CASES["version-2-with-password"], AROUND).files
    assert {file.name: oct(file.mode) for file in files} == {
        "ca-kube-apiserver.crt": "0o644",
        "haproxy.cfg": "0o644",
        "keepalived.conf": "0o600",
    }


def test_version_3_has_no_authentication_even_if_a_password_is_given() -> None:
    """RFC 5798, 9: version 3 removed it; keepalived -t refuses the pair."""
    files = render(replace(CONFIG, vrrp=Vrrp(version=3, auth_pass=EIGHT_BYTES)), AROUND).files
    assert not any(EIGHT_BYTES in file.text or file.secret for file in files)


def test_a_node_without_peers_renders_no_empty_peer_list() -> None:
    text = render(replace(CONFIG, nodes=(CONFIG.node,)), AROUND).text("keepalived.conf")
    assert "unicast_peer" not in text


def test_no_limit_is_written_as_a_time_that_haproxy_takes_without_a_warning() -> None:
    """It warns of `timeout connect 0`, as of none at all."""
    endless = replace(FRONTEND, timeouts=Timeouts(connect=0, client=0, server=0))
    text = render(with_frontend(endless), AROUND).text("haproxy.cfg")
    for side in ("connect", "client", "server"):
        assert f"timeout {side} 24d\n" in text


def test_a_group_of_two_instances_moves_as_one_also_where_nothing_lowers_it() -> None:
    both = CASES["dual-stack-multicast"]
    lowered = render(both, AROUND).text("keepalived.conf")
    assert "vrrp_sync_group lb1 {\n    group {\n        lb1_ens192_ipv4\n        lb1_ens192_ipv6\n    }\n" in lowered
    assert "sync_group_tracking_weight" in lowered
    without_preemption = replace(both.vrrp, preempt=False)
    ignored = replace(both, vrrp=without_preemption, health=replace(both.health, on_no_servers=OnNoServers.IGNORE))
    text = render(ignored, AROUND).text("keepalived.conf")
    assert "vrrp_sync_group lb1 {" in text
    assert "sync_group_tracking_weight" not in text


def test_the_check_is_run_isolated_with_its_script_and_socket() -> None:
    """-I: no user's folder and no PYTHON* variable counts; -S: no site-packages."""
    python, isolated, bare, command, program, script, socket = check_command(Path("/lib/check.py"), Path("/run/s"))
    assert (python, isolated, bare, command, script, socket) == (
        "/usr/bin/python3",
        "-I",
        "-S",
        "-c",
        "/lib/check.py",
        "/run/s",
    )
    assert program.endswith("main(); raise SystemExit(1)")
