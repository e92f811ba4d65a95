"""Two booted systems, three API servers and a client on one bridge."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from halbd.lab.certs import Authority
from tests.render.netns import add_address, inside, link, namespace, run, wait_until
from tests.vm.machine import Machine

VIP = "10.88.0.4"
PORT = 6443
NODES = {"lb1": "10.88.0.2", "lb2": "10.88.0.3"}
SERVERS = ("10.88.0.11", "10.88.0.12", "10.88.0.13")
CLIENT = "10.88.0.100"
PREFIX = "halbd-vm-"
CONFIG = f"""\
cluster: vm
nodes:
  - {{name: lb1, address: {NODES["lb1"]}}}
  - {{name: lb2, address: {NODES["lb2"]}}}
vips:
  - address: {VIP}
frontends:
  - name: kube-apiserver
    port: {PORT}
    max_connections: 2000
    servers: [{", ".join(f'"{address}:6443"' for address in SERVERS)}]
    check: {{ca_file: ca.crt}}
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a client saw: connections begun and failed, the longest time without a good one in ms, watches ended."""

    attempts: int
    failed: int
    outage_ms: float
    resets: int
    silent: int

    def __str__(self) -> str:
        """One line for the report."""
        watches = f"watches: {self.resets} reset, {self.silent} silent"
        return f"{self.attempts} connections, {self.failed} failed, outage {self.outage_ms:.0f} ms; {watches}"


class Client:
    """One new TLS connection every 10 ms, verified, and ten watches, while the `with` block lasts."""

    def __init__(self, place: str, ca: Path) -> None:
        words = [sys.executable, "-P", "-m", "halbd.lab.client", f"https://{VIP}:{PORT}/readyz"]
        words += ["--ca", str(ca), "--rate", "100", "--watches", "10"]
        self._words = list(inside(place, *words))

    @contextmanager
    def watching(self) -> Iterator[list[Sight]]:
        """The list holds what was seen, once the block has ended."""
        seen: list[Sight] = []
        with tempfile.TemporaryFile("w+") as out:  # a pipe would fill up, and the client stand still
            process = subprocess.Popen(self._words, stdout=out, text=True)
            try:
                yield seen
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
            out.seek(0)
            seen.append(_sight([json.loads(line) for line in out]))


def _sight(records: list[dict[str, object]]) -> Sight:
    attempts = sorted((r for r in records if "attempt" in r), key=lambda r: float(str(r["start"])))
    bad = [n for n, one in enumerate(attempts) if one["error"]]
    outage = 0.0
    if bad:
        begun = float(str(attempts[bad[0]]["start"]))
        after = attempts[min(bad[-1] + 1, len(attempts) - 1)]
        outage = 1000 * (float(str(after["start"])) - begun)
    ways = [r["how"] for r in records if "broken" in r]
    return Sight(len(attempts), len(bad), outage, ways.count("reset"), ways.count("silent"))


@dataclass(frozen=True, slots=True)
class World:
    """Everything on the bridge."""

    machines: dict[str, Machine]
    client: Client
    ca: Authority

    def holders(self) -> list[str]:
        """The machines that have the VIP on an interface, as the kernel says."""
        have = (run("ip", "-n", f"{PREFIX}{name}", "-o", "addr", "show", "to", VIP) for name in self.machines)
        return [name for name, words in zip(self.machines, have, strict=True) if words.strip()]

    def configure(self, machine: Machine) -> None:
        """What the operator does: the file and the CA."""
        folder = machine.root / "etc/halbd"
        folder.mkdir(exist_ok=True)
        (folder / "halbd.yaml").write_text(CONFIG)
        (folder / "ca.crt").write_text(self.ca.pem)


@contextmanager
def world(base: Path, work: Path) -> Iterator[World]:
    """Boot it all; gone without a trace afterwards."""
    authority = Authority()
    with ExitStack() as stack:
        switch = stack.enter_context(namespace(f"{PREFIX}switch"))
        run("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "br0", "up")
        for name, address in {**NODES, "servers": SERVERS[0], "client": CLIENT}.items():
            place = stack.enter_context(namespace(f"{PREFIX}{name}"))
            link((place, "eth0"), (switch, f"p-{name}"))
            run("ip", "-n", switch, "link", "set", f"p-{name}", "master", "br0")
            add_address(place, "eth0", f"{address}/24")
        for address in SERVERS[1:]:
            add_address(f"{PREFIX}servers", "eth0", f"{address}/24")
        ca = work / "ca.crt"
        ca.write_text(authority.pem)
        for address in SERVERS:
            stack.enter_context(_server(address, authority, work))
        machines = {}
        for name in NODES:
            machines[name] = machine = Machine(name, base, work, f"{PREFIX}{name}")
            stack.callback(machine.close)
            machine.boot()
        yield World(machines, Client(f"{PREFIX}client", ca), authority)


@contextmanager
def _server(address: str, authority: Authority, work: Path) -> Iterator[None]:
    certificate = work / f"{address}.pem"
    certificate.write_text(authority.issue(["kubernetes", VIP, address]))
    words = [sys.executable, "-P", "-m", "halbd.lab.standin", "--name", address, "--tls", f"{address}:6443"]
    words += ["--certificate", str(certificate), "--answer", "/readyz=200", "--answer", "/healthz=200"]
    process = subprocess.Popen(inside(f"{PREFIX}servers", *words), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield
    finally:
        process.terminate()
        process.wait(10)


def answers(place: str, ca: Path) -> bool:
    """Whether the VIP answers over verified TLS."""
    url = f"https://{VIP}:{PORT}/readyz"
    words = inside(place, "curl", "--silent", "--fail", "--max-time", "2", "--cacert", str(ca), url)
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


__all__ = ["NODES", "VIP", "Sight", "World", "answers", "wait_until", "world"]
