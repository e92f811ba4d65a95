"""A HAProxy whose master cannot execute itself again: the worker serves on, and nobody can tell either anything."""

from __future__ import annotations

import pytest

from halbd.lab.faults.removing import remove
from halbd.model.config import Proxy, ProxyKind
from halbd.system.programs import proxy_binary
from tests.daemon.node import Node
from tests.daemon.test_drain import halbctl

pytestmark = pytest.mark.root


def test_a_master_without_its_program_serves_on_and_is_well_again_when_that_is_back(bare: Node) -> None:
    """Its sockets were removed, which takes a reload. To end it would leave nobody who serves: no other could start."""
    program, name = proxy_binary(Proxy(kind=ProxyKind.HAPROXY)), bare.folder / "proxy"
    name.symlink_to(program)
    bare.write(proxy={"binary": str(name)})
    bare.start_servers()
    bare.start()
    bare.until_master()
    pid = bare.proxy["pid"]
    name.unlink()
    remove(bare.paths.runtime)
    bare.until(lambda: "master does not answer" in str(bare.proxy.get("mute")), "the reason")
    assert halbctl(bare, "status")[0] == 1
    assert bare.holds_vip
    assert bare.check().returncode == 0
    name.symlink_to(program)
    bare.until(lambda: bare.proxy["mute"] is None and bare.proxy["pid"] == pid, "its sockets")
    assert bare.reload().status == 200
    assert [row["change"] for row in bare.status["transitions"]] == ["gained"]
