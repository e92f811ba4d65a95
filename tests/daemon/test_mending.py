"""Files in force that somebody changed by hand, and files that the running Envoy rejects."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from halbd.model.config import Proxy, ProxyKind
from halbd.system import envoy, files
from halbd.system.programs import proxy_binary
from tests.daemon.conftest import both
from tests.daemon.node import Node, frontend
from tests.render.netns import inside, wait_until

pytestmark = pytest.mark.root

EDS = "eds-kube-apiserver.json"
READ_AT_START = {ProxyKind.HAPROXY: "haproxy.cfg", ProxyKind.ENVOY: "envoy.json"}
ONLY_ENVOY = pytest.mark.parametrize("kind", [ProxyKind.ENVOY], indirect=True, scope="module")


def halbctl(node: Node, *words: str) -> subprocess.CompletedProcess[str]:
    """What a person sees."""
    command = [sys.executable, "-m", "halbd.cli.halbctl", *words, "--socket", str(node.paths.socket)]
    return subprocess.run(inside(node.place, *command), capture_output=True, text=True, timeout=30, check=False)


def rejections(node: Node) -> int:
    """How often Envoy has refused its servers."""
    target = "/stats?filter=%5Ecluster.kube-apiserver.update_rejected%24"
    return int(asyncio.run(envoy.ask(node.paths.admin_socket, target, 5)).body.split()[-1])


@both
def test_a_file_in_force_that_is_changed_by_hand_is_put_right_before_a_proxy_starts_from_it(node: Node) -> None:
    name = READ_AT_START[node.kind]
    file = node.paths.current / name
    before = file.read_text()
    files.write(file, b"what an editor left\n")  # in one step: the daemon looks four times a second
    node.until(lambda: file.read_text() == before, "the file put right")
    node.until(lambda: node.status["config"]["mended"] is not None, "status says so")
    assert node.status["config"]["mended"]["files"] == [name]
    assert node.status["config"]["mended"]["complaint"] is None  # what runs has not read it
    assert (node.paths.kept / name).read_text() == "what an editor left\n"
    (line,) = node.lines("generation.mended")
    assert line["files"] == [name]
    shown = halbctl(node, "status")
    assert shown.returncode == 0
    assert "changed by hand and put right" in shown.stdout
    assert name in shown.stdout
    os.killpg(node.proxy["pid"], signal.SIGKILL)
    node.until(lambda: len(node.lines("vip.lost")) == 1, "the VIP gone")
    node.until_master()


@both
def test_another_generation_put_in_force_by_hand_is_put_out_of_force(node: Node) -> None:
    current = node.paths.current.readlink()
    node.write(frontends=[frontend(balance="leastconn")])
    assert node.reload().status == 200
    wanted = node.paths.current.readlink()
    files.link(node.paths.current, str(current))
    node.until(lambda: node.paths.current.readlink() == wanted, "the link put right")
    node.until(lambda: node.status["config"]["mended"] is not None, "status says so")
    assert node.status["config"]["mended"]["files"] == ["current"]
    assert node.reload().body["result"] == "unchanged"


@ONLY_ENVOY
def test_servers_that_envoy_rejects_are_put_right_and_the_old_ones_serve_on(node: Node) -> None:
    file, pid = node.paths.current / EDS, node.proxy["pid"]
    good = file.read_text()
    node.daemon.send_signal(signal.SIGSTOP)  # or it may put the file right before Envoy has read it
    file.write_text(good.replace('"cluster_name": "kube-apiserver"', '"cluster_name": "other"'))
    sign = node.paths.state / "sign"
    sign.touch()
    sign.rename(node.paths.state / "renamed")  # anything that is renamed there has Envoy read its files
    wait_until(lambda: rejections(node) > 0, "the rejection")
    node.daemon.send_signal(signal.SIGCONT)
    assert {server["state"] for server in node.status["frontends"][0]["servers"]} == {"up"}
    node.until(lambda: file.read_text() == good, "the file put right")
    node.until(lambda: node.status["config"]["mended"] is not None, "status says so")
    assert any("Unexpected EDS cluster" in line["line"] for line in node.lines("proxy.says"))
    assert "Unexpected EDS cluster" in node.status["config"]["mended"]["complaint"]
    assert "the running proxy refused what was there: " in halbctl(node, "status").stdout
    node.write(frontends=[frontend(balance="leastconn")])
    assert node.reload().status == 200
    assert node.status["config"]["mended"] is None
    assert node.proxy["pid"] == pid
    assert not node.lines("vip.lost")


@ONLY_ENVOY
def test_a_reload_whose_servers_envoy_rejects_fails_with_envoys_words(bare: Node) -> None:
    """Its checker passes them: here it is one that damages what it has judged."""
    real = proxy_binary(Proxy(kind=ProxyKind.ENVOY))
    checker = bare.folder / "envoy"
    damage = f"""sed -i 's/"cluster_name": "kube-apiserver"/"cluster_name": "other"/' "$last/{EDS}" """
    checker.write_text(
        f"""#!/bin/sh
case "$*" in *"--mode validate"*) ;; *) exec {real} "$@" ;; esac
for last; do :; done
last=${{last%/*}}
{real} "$@" || exit
[ ! -e {bare.broken}.eds ] || {damage}
"""
    )
    checker.chmod(0o755)
    bare.write(proxy={"binary": str(checker)})
    bare.start_servers()
    bare.start()
    bare.until_master()
    before, pid = bare.paths.current.readlink(), bare.proxy["pid"]
    (bare.folder / "broken.eds").touch()
    bare.write(proxy={"binary": str(checker)}, frontends=[frontend(servers=["10.99.0.11:7443"])])
    answer = bare.reload()
    assert answer.status == 409
    assert "Unexpected EDS cluster" in answer.body["error"]
    assert halbctl(bare, "reload").returncode == 1
    assert "Unexpected EDS cluster" in bare.status["config"]["rejected"]["problems"][0]
    for words in (("status",), ("status", "--json")):
        shown = halbctl(bare, *words)
        assert shown.returncode == 1
        assert "Unexpected EDS cluster" in shown.stdout
    assert bare.paths.current.readlink() == before
    assert bare.proxy["pid"] == pid
    assert not bare.lines("vip.lost")
    (bare.folder / "broken.eds").unlink()
    assert bare.reload().status == 200
    assert bare.status["config"]["rejected"] is None
    assert len(bare.status["frontends"][0]["servers"]) == 1
