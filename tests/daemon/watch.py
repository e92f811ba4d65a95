"""A client's watch through the proxy: whether it lives on is what a hand-over and a reload are judged by."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.daemon.node import Node
from tests.render.netns import inside

WATCH = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
with context.wrap_socket(socket.create_connection(("10.99.0.1", 6443), 20), server_hostname="kubernetes") as one:
    one.sendall(b"GET /watch HTTP/1.1\\r\\nHost: kubernetes\\r\\n\\r\\n")
    while line := one.recv(4096):
        print(len(line), flush=True)
"""


@contextmanager
def watch(node: Node) -> Iterator[subprocess.Popen[bytes]]:
    """A connection through the proxy over which a line has come, and on which more do."""
    words = inside(node.place, "/usr/bin/python3", "-c", WATCH, str(node.ca_file))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline()
        try:
            yield one
        finally:
            one.kill()


def goes_on(one: subprocess.Popen[bytes]) -> bool:
    """More lines come."""
    assert one.stdout is not None
    return all(one.stdout.readline() for _ in range(3))
