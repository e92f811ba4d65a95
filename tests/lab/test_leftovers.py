from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from halbd.lab.leftovers import MORE_FILES, Place, changed, leftovers
from halbd.lab.processes import Process

HALBD, MASTER, WORKER, KEEPALIVED, VRRP, MONITOR = (
    Process(10, 1, ("halbd",)),
    Process(20, 10, ("haproxy", "-Ws")),
    Process(21, 20, ("haproxy", "-Ws")),
    Process(30, 10, ("keepalived",)),
    Process(31, 30, ("keepalived",)),
    Process(40, 1, ("ip", "monitor")),
)
CLEAN = Place(
    node="lb1",
    processes=(HALBD, MASTER, WORKER, KEEPALIVED, VRRP, MONITOR),
    lab=frozenset({40}),
    daemon=10,
    proxy=20,
    keepalived=30,
    busy=frozenset(),
    zombies=(),
    sockets=(),
    groups=(),
    files=30,
    files_at_first=30,
    workers=1,
)


def grown(*more: Process) -> Place:
    return replace(CLEAN, processes=(*CLEAN.processes, *more))


def test_a_node_with_its_own_processes_alone_is_clean() -> None:
    assert leftovers(CLEAN) == ()


def test_adopted_programs_are_no_children_and_known_all_the_same() -> None:
    adopted = tuple(replace(p, parent=1) if p in (MASTER, KEEPALIVED) else p for p in CLEAN.processes)
    assert leftovers(replace(CLEAN, processes=adopted)) == ()


def connected(place: Place, *pids: int) -> Place:
    return replace(place, busy=frozenset(pids))


def test_an_old_worker_may_live_while_it_has_connections_but_not_many() -> None:
    new, newer = replace(WORKER, pid=22, started=7), replace(WORKER, pid=5, started=8)
    assert leftovers(connected(grown(new), 21)) == ()
    (idle,) = leftovers(connected(grown(new), 22))
    assert "old proxy workers without a connection: 21 (haproxy -Ws)" in idle
    (many,) = leftovers(connected(grown(new, newer), 21, 22))
    assert "2 old proxy workers: 21 (haproxy -Ws), 22 (haproxy -Ws)" in many


def test_a_proxy_that_made_room_may_live_while_it_has_connections_but_not_many() -> None:
    old = replace(MASTER, pid=25)
    for one in (old, replace(old, parent=1)):  # an earlier daemon's
        assert leftovers(connected(grown(one), 25)) == ()
    (idle,) = leftovers(grown(old))
    assert "proxies that made room without a connection: 25 (haproxy -Ws)" in idle
    (many,) = leftovers(connected(grown(old, replace(old, pid=26)), 25, 26))
    assert "2 proxies that made room" in many


def test_a_network_namespace_more_or_fewer_is_named() -> None:
    assert changed(("halbd-1-lb1", "halbd-1-lb2"), ("halbd-1-lb2", "halbd-1-lb1")) == ""
    assert changed(("halbd-1-lb1",), ("halbd-1-lb1", "halbd-1-x")) == "network namespaces left over: halbd-1-x"
    assert changed(("halbd-1-lb1", "halbd-1-lb2"), ("halbd-1-lb2",)) == "network namespaces gone: halbd-1-lb1"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (grown(Process(50, 10, ("python", "-m", "loader"))), "children of halbd: 50 (python -m loader)"),
        (grown(Process(60, 1, ("haproxy", "-f"))), "nobody's: 60 (haproxy -f)"),
        (replace(CLEAN, daemon=None), "no halbd runs"),
        (replace(CLEAN, keepalived=77), "keepalived (77) is gone"),
        (replace(CLEAN, zombies=(Process(70, 10, ("true",)),)), "zombies: 70 (true)"),
        (replace(CLEAN, groups=(Path("/sys/fs/cgroup/x"),)), "cgroups: /sys/fs/cgroup/x"),
        (replace(CLEAN, sockets=(Path("/run/x.sock"),)), "nobody listens on: /run/x.sock"),
        (replace(CLEAN, files=31 + MORE_FILES), "71 open files, at first it had 30"),
    ],
)
def test_what_is_left_over_is_named(place: Place, words: str) -> None:
    assert any(words in one for one in leftovers(place))
