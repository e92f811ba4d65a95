"""A daemon that has a helper for what takes privileges, and gets no answer."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from halbd.system.helper.ask import SOCKET
from tests.daemon.node import Node
from tests.render.netns import inside, run
from tests.system.helped import helper

pytestmark = pytest.mark.root


def hears(node: Node) -> bool:
    """There is a socket for all protocols in the namespace (packet(7)); keepalived has none."""
    rows = run(*inside(node.place, "cat", "/proc/net/packet")).splitlines()[1:]
    return any(row.split()[3] == "0003" for row in rows)


def test_one_that_hangs_takes_no_vip_away_and_the_next_one_is_asked(bare: Node) -> None:
    path = bare.folder / "helper"
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(path))
        hung.listen(1000)
        bare.start_servers()
        bare.start(before=("env", f"{SOCKET}={path}"))
        bare.until_master()
        bare.until(lambda: len(bare.lines("keepalived.not_looked_into")) > 0, "it is said")
        assert not hears(bare)
    with helper(*inside(bare.place)) as (_, real):
        _point(path, real)
        bare.until(lambda: hears(bare), "adverts are heard")
    for event in ("adverts.not_heard", "keepalived.not_looked_into"):
        whys = [line["why"] for line in bare.lines(event)]
        assert len(set(whys)) == len(whys), "each is said once"
    assert [one["change"] for one in bare.status["transitions"]] == ["gained"]
    assert bare.causes == []


def test_without_one_a_daemon_takes_up_its_proxy_and_its_file(bare: Node) -> None:
    """Nobody can say that it is our own proxy that listens there."""
    nobody = ("env", f"{SOCKET}={bare.folder / 'nobody'}")
    bare.start_servers()
    bare.start(before=nobody)
    bare.until_master()
    proxy = bare.proxy["pid"]
    bare.daemon.kill()
    bare.daemon.wait()
    bare.start(before=nobody)
    bare.until_master()
    assert (bare.proxy["pid"], bare.status["config"]["rejected"]) == (proxy, None)


def _point(path: Path, real: Path) -> None:
    aside = path.with_name("aside")
    aside.symlink_to(real)
    aside.rename(path)
