"""A node for halbctl doctor: a namespace, with a peer and servers on the other end of its wire."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from halbd.lab.certs import Authority
from tests.cli.conftest import Run
from tests.render.netns import add_address, addresses, inside, wait_until
from tests.system.within import within

LB1, LB2, VIP, STRANGER, SERVER = "10.10.50.2", "10.10.50.3", "10.10.50.4", "10.10.50.77", "10.10.50.11"
MONTH = timedelta(days=30)


def document() -> dict[str, Any]:
    """Two nodes, one server; a file limit that any machine allows."""
    frontend = {"name": "api", "port": 6443, "servers": [f"{SERVER}:6443"], "max_connections": 100}
    return {
        "nodes": [{"name": "lb1", "address": LB1}, {"name": "lb2", "address": LB2}],
        "vips": [{"address": VIP}],
        "frontends": [frontend],
    }


@dataclass(frozen=True, slots=True)
class Site:
    """The node that is examined, the place where everybody else is, and the command."""

    node: str
    others: str
    ca: Authority
    file: Path
    halbctl: Run

    def write(self, **different: Any) -> None:
        self.file.write_text(yaml.safe_dump(document() | different))

    def doctor(self, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return self.halbctl("doctor", *words, inside=(*inside(self.node), *before))

    def examined(self, *words: str, before: tuple[str, ...] = ()) -> tuple[int, dict[str, dict[str, str]]]:
        """The exit code, and the worst finding of each check by its name."""
        done = self.doctor("--json", *words, before=before)
        assert done.stderr == ""
        found: dict[str, dict[str, str]] = {}
        for one in json.loads(done.stdout)["findings"]:
            found.setdefault(one["check"], one)
        return done.returncode, found

    def serve(
        self, stack: ExitStack, address: str = SERVER, lifetime: timedelta = MONTH, name: str = "kubernetes"
    ) -> None:
        """An API server whose certificate lasts so long."""
        add_address(self.others, "eth0", f"{address}/32")
        certificate = self.file.parent / f"{address}.pem"
        certificate.write_text(self.ca.issue([name], lifetime))
        stack.enter_context(server(self.others, address, certificate))


@contextmanager
def server(place: str, address: str, certificate: Path) -> Iterator[None]:
    """Answers 200 over TLS until the block ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = within(place, lambda: socket.create_server((address, 6443)))

    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                with suppress(OSError), context.wrap_socket(line, server_side=True) as secure:
                    secure.recv(4096)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


@contextmanager
def keepalived(place: str, folder: Path, source: str, vip: str = VIP, advert_int: str = "0.04") -> Iterator[None]:
    """A real one that is master of the address, until the block ends; it sends to the other end of the wire."""
    folder.mkdir()
    peer = LB1 if source != LB1 else LB2
    (folder / "conf").write_text(
        "global_defs {\nvrrp_version 3\n}\n"
        "vrrp_instance a {\ninterface eth0\nvirtual_router_id 4\npriority 100\n"
        f"advert_int {advert_int}\nunicast_src_ip {source}\nunicast_peer {{\n{peer}\n}}\n"
        f"virtual_ipaddress {{\n{vip}/32 dev eth0\n}}\n}}\n"
    )
    files = ("-f", str(folder / "conf"), "-p", str(folder / "pid"), "-r", str(folder / "vrrp.pid"))
    words = inside(place, "keepalived", "-n", "-l", "-P", *files)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(folder)})
    try:
        wait_until(lambda: vip in addresses(place), f"{vip} in {place}")
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
