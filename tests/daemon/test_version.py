"""The proxy's package is updated while it runs: which program runs, and when the new one does."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from halbd.model.config import Proxy, ProxyKind
from halbd.system.programs import proxy_binary
from tests.daemon.conftest import both
from tests.daemon.node import Node
from tests.daemon.reloading import HAND_OVER, PROXY

pytestmark = [pytest.mark.root, both]

TAKES_UP = PROXY | {ProxyKind.ENVOY: HAND_OVER}


def update(program: Path, version: str, newer: str) -> None:
    """Another file by the same name, as a package manager puts it there; both versions are of one length."""
    aside = program.with_name("aside")
    aside.write_bytes(program.read_bytes().replace(version.encode(), newer.encode()))
    aside.chmod(0o755)
    aside.rename(program)


def test_status_has_the_version_that_runs_and_a_reload_takes_up_the_new_one(bare: Node) -> None:
    """Whatever is on disk when a daemon starts; and a proxy that dies is started again as the newest."""
    program = bare.folder / "proxy"
    shutil.copy(proxy_binary(Proxy(kind=bare.kind)), program)
    bare.write(proxy={"binary": str(program)})
    bare.start_servers()
    bare.start()
    bare.until_master()
    bare.until(lambda: bool(bare.proxy["version"]), "its version")
    first = bare.proxy["version"]
    second, third = (first[:-1] + last for last in "89")
    assert bare.reload().body["actions"] == []

    update(program, first, second)
    bare.daemon.kill()
    bare.daemon.wait()
    bare.start()
    bare.until_master()
    bare.until(lambda: bool(bare.proxy["version"]), "its version")
    assert bare.proxy["version"] == first

    assert bare.reload().body["actions"] == [TAKES_UP[bare.kind]]
    bare.until(lambda: bare.proxy["version"] == second, "the new one")
    assert bare.reload().body["actions"] == []
    assert [one["change"] for one in bare.status["transitions"]] == ["gained"]

    update(program, second, third)
    os.killpg(bare.proxy["pid"], signal.SIGKILL)
    bare.until(lambda: bare.proxy.get("version") == third, "the newest")
