"""A DNS server of the node's own: the real dnsmasq, whose answers a test changes."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.node import Node
from tests.render.netns import inside, run

ADDRESS = "127.0.0.53"
DOMAIN = "cluster.test"
TTL = 1


class Dns:
    """Answers what its file of hosts says, and NXDOMAIN for every other name of the domain."""

    def __init__(self, node: Node, addresses: dict[str, str]) -> None:
        self._node = node
        self._hosts = node.folder / "hosts"
        self._queries = node.folder / "queries"
        self._write(addresses)

    def start(self) -> None:
        """Start it; returns once it answers."""
        starts = self._starts()
        dnsmasq = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin") or "dnsmasq"
        where = [
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--pid-file=",
            "--user=root",
            "--bind-interfaces",
        ]
        zone = [f"--local=/{DOMAIN}/", f"--addn-hosts={self._hosts}", f"--local-ttl={TTL}"]
        log = ["--log-queries", f"--log-facility={self._queries}"]
        self._process = self._node.run_in(
            dnsmasq, "--keep-in-foreground", f"--listen-address={ADDRESS}", *where, *zone, *log
        )
        self._node.until(lambda: self._starts() > starts, "a DNS server")

    def answer(self, **addresses: str) -> None:
        """From now on these names have these addresses, and no other name has any."""
        self._write(addresses)
        self._process.send_signal(signal.SIGHUP)

    def _write(self, addresses: dict[str, str]) -> None:
        self._hosts.write_text("".join(f"{address} {name}.{DOMAIN}\n" for name, address in addresses.items()))

    def die(self) -> None:
        """From now on its port refuses."""
        self._process.kill()
        self._process.wait(10)

    def refusals(self) -> int:
        """How often it has said NXDOMAIN."""
        return self._log().count("NXDOMAIN")

    def _starts(self) -> int:
        return self._log().count(": read ")

    def _log(self) -> str:
        return self._queries.read_text() if self._queries.exists() else ""


@contextmanager
def dns(node: Node, **addresses: str) -> Iterator[Dns]:
    """The server that everything on the node asks."""
    with asked(node):
        one = Dns(node, addresses)
        one.start()
        yield one


@contextmanager
def silent_dns(node: Node) -> Iterator[None]:
    """One that takes every question and answers none."""
    script = f"import signal, socket; s = socket.socket(type=2); s.bind(('{ADDRESS}', 53)); signal.pause()"
    with asked(node):
        node.run_in("/usr/bin/python3", "-c", script)
        node.until(lambda: f"{ADDRESS}:53" in run(*inside(node.place, "ss", "-Hlun")), "its port")
        yield


@contextmanager
def asked(node: Node) -> Iterator[None]:
    """Everything on the node asks at ADDRESS: `ip netns exec` mounts its resolv.conf (ip-netns(8))."""
    folder = Path("/etc/netns") / node.place
    there = folder.parent.exists()
    folder.mkdir(parents=True)
    try:
        (folder / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
        yield
    finally:
        shutil.rmtree(folder)
        if not there:
            folder.parent.rmdir()
