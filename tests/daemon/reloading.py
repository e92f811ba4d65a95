"""What a reload says that it did, and what must not change where it is refused."""

from __future__ import annotations

import subprocess
from typing import Any

from halbd.model.config import ProxyKind
from halbd.system import process
from tests.daemon.node import SERVER_PORT, SERVERS, Node
from tests.render.netns import inside

ONE_SERVER = [f"{SERVERS[0]}:{SERVER_PORT}"]
PROXY = {
    ProxyKind.HAPROXY: "reload the proxy (seamless: no connection is lost)",
    ProxyKind.ENVOY: "see the running Envoy take up its new files (it does so by itself: no connection is lost)",
}
HAND_OVER = "hand over to a new Envoy (established connections stay with the old one until they end)"


class Before:
    """What must not change when a file is refused."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.seen = self.look()

    def look(self) -> tuple[Any, ...]:
        node = self.node
        pids = {node.proxy["pid"], *workers(node)}
        return node.generations(), node.paths.current.readlink(), pids, node.status["config"]["digest"]

    def assert_same(self) -> None:
        assert self.look() == self.seen
        assert self.node.check().returncode == 0


def workers(node: Node) -> frozenset[int]:
    """The one of HAProxy, once those before it have ended: they do so with their last connection, after a reload."""
    pid, many = node.proxy["pid"], 1 if node.kind is ProxyKind.HAPROXY else 0
    node.until(lambda: len(process.family(pid)) == 1 + many, "no worker from before")
    return process.family(pid) - {pid}


def problems(node: Node) -> list[str]:
    rejected = node.status["config"]["rejected"]
    return rejected["problems"] if rejected else []


def connects(node: Node, port: int) -> bool:
    """Something listens on that port of the node's own address."""
    words = inside(node.place, "/bin/bash", "-c", f"exec 3<>/dev/tcp/10.99.0.1/{port}")
    return subprocess.run(words, capture_output=True, check=False, timeout=10).returncode == 0
