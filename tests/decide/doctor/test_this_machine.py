"""Programs, ports, files and the clock of this machine."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.model.config import Vrrp
from halbd.model.facts import Component, OpenFiles, PortHolder, Program
from halbd.model.findings import Said, Severity
from tests.decide.doctor.sample import CONFIG, ROOTS, holder, only, said, severities
from tests.sample import config

WRONG, WARNING, UNKNOWN, FINE = Severity.WRONG, Severity.WARNING, Severity.UNKNOWN, Severity.FINE
ENVOY = config(proxy={"kind": "envoy"})


@pytest.mark.parametrize(
    ("program", "expected", "part"),
    [
        (Program("keepalived", "2.2.3", frozenset({"VRRP"})), [FINE], "keepalived 2.2.3"),
        (Program("keepalived", "2.2.2", frozenset({"VRRP"})), [WRONG], "2.2.2 is older than 2.2.3"),
        (Program("keepalived", "2.10", frozenset({"VRRP"})), [FINE], "2.10"),
        (Program("keepalived", "", frozenset({"VRRP"})), [UNKNOWN], "does not say its version: nothing"),
        (Program("keepalived", "2.2.7", frozenset({"LVS"})), [WRONG, FINE], "built without VRRP"),
        (Program("keepalived", "2.2.7"), [FINE], "keepalived 2.2.7"),
        (Program("keepalived", error="cannot find keepalived"), [WRONG], "cannot find keepalived"),
    ],
)
def test_keepalived_is_there_new_enough_and_speaks_vrrp(program: Program, expected: list[Severity], part: str) -> None:
    found = said("keepalived", keepalived=program)
    assert [one.severity for one in found] == expected
    assert part in found[0].what
    if expected == [WRONG]:
        assert found[0].cure == "apt-get install keepalived"


def test_a_password_needs_a_keepalived_that_was_built_with_it() -> None:
    secret = replace(CONFIG, vrrp=Vrrp(version=2, advert_int=1, auth_pass="x"))  # noqa: S106  # none of anybody's
    bare = Program("keepalived", "2.2.7", frozenset({"VRRP"}))
    without = "keepalived 2.2.7 is built without "
    cure = "use the distribution's package"
    assert said("keepalived", secret, keepalived=bare)[0] == Said(WRONG, f"{without}VRRP_AUTH", cure)
    nothing = replace(bare, features=frozenset({"LVS"}))
    assert said("keepalived", secret, keepalived=nothing)[0].what == f"{without}VRRP, VRRP_AUTH"
    assert severities("keepalived", secret) == [FINE]


def test_the_proxy_is_new_enough_by_its_kind() -> None:
    assert only("proxy", proxy=Program("haproxy", "2.3.9"))[0] == "wrong"
    assert only("proxy", proxy=Program("haproxy", "2.4.0"))[0] == "fine"
    assert only("proxy", ENVOY, proxy=Program("envoy", "1.35.9")) == (
        "wrong", "envoy 1.35.9 is older than 1.36", "put a newer envoy on PATH or into proxy.binary",
    )  # fmt: skip
    assert only("proxy", ENVOY, proxy=Program("envoy", "1.36.0"))[0] == "fine"


def test_haproxy_needs_tls_where_a_check_speaks_it() -> None:
    bare = Program("haproxy", "2.6", frozenset({"LUA"}))
    plain = config(frontends=[{"name": "a", "port": 1, "servers": ["10.0.0.1:1"], "check": {"scheme": "http"}}])
    assert severities("proxy", proxy=bare) == [WRONG, FINE]
    assert severities("proxy", plain, proxy=bare) == [FINE]


def test_what_the_programs_refuse_is_told_in_their_words() -> None:
    assert only("config-accepted", refused="haproxy refuses it") == ("wrong", "haproxy refuses it", "halbctl validate")


def test_a_file_that_is_not_in_force_is_a_warning() -> None:
    assert only("config-in-force", in_force="other")[0] == "warning"
    assert only("config-in-force", in_force=None) == ("fine", "nothing is in force yet", "")


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "part"),
    [
        (0o100755, 1000, 0, "belongs to uid 1000"),
        (0o100757, 0, 0, "can be written by everybody"),
        (0o101757, 0, 0, "can be written by everybody"),
        (0o40757, 0, 0, "can be written by everybody"),
        (0o100775, 0, 50, "can be written by the group 50"),
        (0o100750, 0, 0, "is closed to the account that runs it"),
        (0o40754, 0, 0, "is closed to the account that runs it"),
    ],
    ids=str,
)
def test_a_script_that_others_can_change_or_not_read_is_wrong(mode: int, uid: int, gid: int, part: str) -> None:
    path = (Component("/opt/x", uid, gid, mode), *ROOTS[1:])
    kind, what, cure = only("check-script", programs=(ROOTS, path))
    assert (kind, what) == ("wrong", f"/opt/x {part}")
    assert cure.endswith("/opt/x")


def test_a_link_is_judged_by_its_owner_alone() -> None:
    kind, what, cure = only("check-script", programs=((Component("/opt/l", 7, 0, 0o120777), *ROOTS),))
    assert (kind, what, cure) == ("wrong", "/opt/l is a link of uid 7", "chown -h root /opt/l")
    assert only("check-script", programs=((Component("/opt/l", 0, 50, 0o120777), *ROOTS),))[0] == "fine"


@pytest.mark.parametrize(
    ("mode", "gid"), [(0o41777, 0), (0o100775, 0), (0o100644, 0), (0o40711, 0), (0o100755, 50)], ids=str
)
def test_keepaliveds_own_exceptions_hold(mode: int, gid: int) -> None:
    assert only("check-script", programs=((Component("/tmp", 0, gid, mode),),))[0] == "fine"
    several = ((Component("/tmp", 0, gid, mode),), ROOTS)
    assert only("check-script", programs=several) == ("fine", "only root can change /tmp, /usr/bin/x", "")


def test_a_bad_folder_that_two_paths_share_is_told_once() -> None:
    bad = (*ROOTS[:2], Component("/", 0, 0, 0o40777))
    assert severities("check-script", programs=(bad, bad)) == [WRONG]


@pytest.mark.parametrize(
    ("one", "part", "cure"),
    [
        (holder(), "port 6443 is taken by nginx (pid 42) on 0.0.0.0", "stop nginx (see `ps -fp 42`), or "),
        (holder(pid=None), "taken by nginx (pid ?)", "stop nginx, or write another frontends[].port"),
        (holder(unit="haproxy.service"), "taken by nginx", "systemctl disable --now haproxy.service"),
        (holder(address=ip_address("10.10.50.2")), "on 10.10.50.2", "stop nginx"),
    ],
)
def test_a_port_that_somebody_else_holds_is_wrong(one: PortHolder, part: str, cure: str) -> None:
    kind, what, how = only("ports", holders=(one, replace(one)))
    assert (kind, part in what) == ("wrong", True)
    assert how.startswith(cure)


def test_a_port_is_free_or_the_proxys_own() -> None:
    assert only("ports", holders=()) == ("fine", "port 6443 is free", "")
    assert only("ports") == ("fine", "port 6443 is held by the proxy of halbd", "")
    bound = config(frontends=[{"name": "a", "bind": "10.10.50.4", "port": 6443, "servers": ["10.0.0.1:1"]}])
    assert only("ports", bound, holders=(holder(address=ip_address("10.10.50.2")),))[0] == "fine"


def test_the_file_limit_has_to_allow_what_is_needed_and_no_more() -> None:
    assert only("open-files", open_files=OpenFiles(100, 100, "it"))[0] == "fine"
    kind, what, cure = only("open-files", open_files=OpenFiles(101, 100, "halbd.service (LimitNOFILE)"))
    assert (kind, what) == ("wrong", "max_connections needs 101 open files, and halbd.service (LimitNOFILE) allows 100")
    assert "LimitNOFILE=101" in cure
    assert only("open-files", systemd=False, open_files=OpenFiles(2, 1, "it"))[2].startswith("ulimit -Hn 2, or")


def test_a_clock_that_nobody_keeps_right_is_a_warning() -> None:
    cure = "timedatectl set-ntp true, or apt-get install chrony"
    assert only("clock", synchronised=False) == ("warning", "the clock is not synchronised", cure)
    assert only("clock") == ("fine", "the clock is synchronised", "")
