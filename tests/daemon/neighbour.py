"""The other load balancer on a node's wire: real keepalived, and a small script in place of its halbd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import yaml

from halbd.model.config import Config
from halbd.model.host import Host, HostAddress
from halbd.parse.parse import parse
from tests.daemon.node import Node, document
from tests.keepalived.pair import LoadBalancer
from tests.render.netns import add_address, namespace, run
from tests.sample import read

ADDRESS = "10.99.0.2"


@contextmanager
def neighbour(node: Node, **top_level: Any) -> Iterator[LoadBalancer]:
    """Its namespace gets the far end of the node's link. Its keepalived, with these keys, is not started yet."""
    with namespace(f"{node.place}b") as place:
        run("ip", "-n", node.place, "link", "set", "peer0", "netns", place, "name", "eth0")
        run("ip", "-n", place, "link", "set", "eth0", "up")
        add_address(place, "eth0", f"{ADDRESS}/24")
        folder = node.folder / "neighbour"
        folder.mkdir()
        other = LoadBalancer(_config(top_level), place, folder)
        try:
            yield other
        finally:
            other.kill()


def _config(top_level: dict[str, Any]) -> Config:
    """The node's file, as the other one reads it."""
    host = Host((HostAddress("eth0", ip_interface(f"{ADDRESS}/24")),), Path("/etc/halbd"))
    parsed = parse(yaml.safe_dump(document() | top_level).encode(), host, read)
    assert isinstance(parsed, Config), parsed
    return parsed
