"""A node that is master: what it says of itself, and what it leaves on disk."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from halbd.model.config import ProxyKind
from tests.daemon.conftest import both
from tests.daemon.node import VIP, Node

pytestmark = [pytest.mark.root, both]


def test_it_becomes_master_and_halbd_check_passes(shared: Node) -> None:
    done = shared.check()
    assert (done.returncode, done.stdout) == (0, "may hold the VIP: the daemon says so\n")
    assert shared.holds_vip
    assert shared.fault == "0"


def test_the_status_object_is_complete(shared: Node) -> None:
    shared.until(lambda: bool(shared.proxy["version"]), "the proxy's first answer")
    status = shared.status
    assert (status["version"], status["cluster"], status["node"]) == (1, "kubernetes", "lb1")
    assert (status["role"], status["healthy"], status["reasons"], status["maintenance"]) == ("master", True, [], False)
    (vip,) = status["vips"]
    assert (vip["address"], vip["interface"], vip["held"]) == (VIP, "eth0", True)
    proxy = status["proxy"]
    assert (proxy["kind"], proxy["running"], proxy["restarts"], proxy["last_exit"]) == (
        shared.kind.value,
        True,
        0,
        None,
    )
    assert proxy["version"][:2] in {"2.", "3.", "1."}
    assert status["keepalived"]["managed"] == "child"
    assert {proxy["pid"], status["keepalived"]["pid"]} <= shared.pids
    assert len(status["config"]["digest"]) == 64
    assert status["config"]["rejected"] is None


def test_every_probe_is_shown_with_its_answer(shared: Node) -> None:
    """Through the local proxy, and through the VIP while it is here."""

    def answered() -> bool:
        probes = shared.status["probes"]
        assert [one["name"] for one in probes] == ["local/kube-apiserver", f"vip/{VIP}/kube-apiserver"]
        return all((one["ok"], one["status"], one["error"]) == (True, 200, None) for one in probes)

    shared.until(answered, "both probes")


def test_every_server_is_shown_as_the_proxy_sees_it(shared: Node) -> None:
    words = {ProxyKind.HAPROXY: "L7OK", ProxyKind.ENVOY: "check passed"}[shared.kind]

    def up() -> bool:
        (frontend,) = shared.status["frontends"]
        return {(one["state"], one["check"]) for one in frontend["servers"]} == {("up", words)}

    shared.until(up, "both servers")


def test_times_are_rfc_3339_in_utc_with_microseconds(shared: Node) -> None:
    status = shared.status
    stamps = [status["proxy"]["started_at"], status["config"]["applied_at"], status["vips"][0]["since"]]
    for stamp in stamps:
        assert datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").utcoffset() is not None
        assert stamp.endswith("Z")


def test_the_gain_of_the_vip_is_one_history_line_and_one_log_line(shared: Node) -> None:
    shared.until(lambda: bool(shared.lines("vip.gained")) and shared.kept > 0, "both")
    (line,) = shared.paths.history.read_text().splitlines()
    row = json.loads(line)
    assert (row["vip"], row["change"], row["role_before"], row["role_after"]) == (VIP, "gained", "backup", "master")
    (logged,) = shared.lines("vip.gained")
    assert logged["at"]
    assert {key: logged[key] for key in ("vip", "cause")} == {key: row[key] for key in ("vip", "cause")}
    assert shared.status["transitions"] == [row]
    assert shared.ask("GET", "/history?limit=5").body == {"transitions": [row]}


def test_keepalived_began_in_fault(shared: Node) -> None:
    """Nothing is pushed as well before it has been seen to be well."""
    said = [line["line"] for line in shared.lines("keepalived.says")]
    begun = next(i for i, line in enumerate(said) if "tracked file halbd_fault" in line)
    assert not any("MASTER STATE" in line for line in said[:begun])


def test_what_halbd_check_needs_to_look_for_itself_is_there_for_everybody(shared: Node) -> None:
    look = json.loads(shared.paths.look_file.read_text())
    assert look["proxy"]["pid"] == shared.proxy["pid"]
    assert shared.paths.look_file.stat().st_mode & 0o777 == 0o644
    (probe,) = look["probes"]
    assert (probe["address"], probe["port"], probe["path"]) == ("127.0.0.1", 6443, "/healthz")


def test_the_generation_in_force_can_be_read_and_keeps_its_secrets(shared: Node) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in shared.paths.current.iterdir()}
    public, private = (0o644, 0o600)
    names = {
        ProxyKind.HAPROXY: {"haproxy.cfg", "ca-kube-apiserver.crt"},
        ProxyKind.ENVOY: {"envoy.json", "eds-kube-apiserver.json"},
    }
    assert {modes[name] for name in names[shared.kind]} == {public}
    assert modes["halbd.yaml"] == modes["inputs.json"] == private


def test_what_the_programs_say_is_in_the_log(shared: Node) -> None:
    shared.until(lambda: said(shared, "keepalived", "MASTER STATE"), "keepalived's words")
    words = {ProxyKind.HAPROXY: "Loading success", ProxyKind.ENVOY: "starting workers"}[shared.kind]
    shared.until(lambda: said(shared, "proxy", words), "the proxy's words")


def said(node: Node, program: str, words: str) -> bool:
    return any(words in line["line"] for line in node.lines(f"{program}.says"))
