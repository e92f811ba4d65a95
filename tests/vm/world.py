"""Two booted systems, three API servers and a client on one bridge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from halbd.lab.certs import Authority
from tests.render.netns import add_address, inside, link, namespace, run, wait_until
from tests.vm.machine import Machine

VIP = "10.88.0.4"
PORT = 6443
HAND_MADE = "# written by hand\nglobal_defs {\n    router_id by-hand\n}\n"
"""The keepalived.conf of the time before halbd."""
FOREIGN = """\
global_defs {
    vrrp_version 3
}
vrrp_instance theirs {
    interface eth0
    virtual_router_id 4
    priority 50
    unicast_src_ip 10.88.0.3
    unicast_peer {
        10.88.0.2
    }
    virtual_ipaddress {
        10.88.0.4
    }
}
"""
"""One that somebody else puts in the place of halbd's, on lb2: it hears lb1, and tracks nothing."""
CONF = "etc/keepalived/keepalived.conf"
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
    failures: tuple[tuple[float, str], ...] = ()
    """When each that failed was begun (monotonic), and why it did."""

    def __str__(self) -> str:
        """One line for the report."""
        watches = f"watches: {self.resets} reset, {self.silent} silent"
        failed = " ".join([f"{self.failed} failed", *sorted({f"({why})" for _, why in self.failures})])
        return f"{self.attempts} connections, {failed}, outage {self.outage_ms:.0f} ms; {watches}"


BEGUN = 2000
"""Octets that the client has written once its watches are open and it has made connections."""


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
                wait_until(lambda: os.fstat(out.fileno()).st_size > BEGUN, "the client looks on", 60)
                yield seen
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
            out.seek(0)
            seen.append(_sight([json.loads(line) for line in out]))


def _sight(records: list[dict[str, object]]) -> Sight:
    attempts = sorted((r for r in records if "attempt" in r), key=lambda r: float(str(r["start"])))
    failures = tuple((float(str(one["start"])), str(one["error"])) for one in attempts if one["error"])
    ways = [r["how"] for r in records if "broken" in r]
    outage = 1000 * _longest([(float(str(one["start"])), not one["error"]) for one in attempts])
    return Sight(len(attempts), len(failures), outage, ways.count("reset"), ways.count("silent"), failures)


def _longest(attempts: list[tuple[float, bool]]) -> float:
    """From the first that failed to the next good one, in seconds: where that happened more than once, the longest."""
    longest, since = 0.0, None
    for begun, good in attempts:
        if not good and since is None:
            since = begun
        longest = max(longest, begun - since if since is not None else 0.0)
        since = None if good else since
    return longest


@contextmanager
def _monitor(place: str) -> Iterator[list[str]]:
    """Every change of an address, one line each, once the block has ended."""
    lines: list[str] = []
    with tempfile.TemporaryFile("w+") as out:
        words = inside(place, "ip", "-ts", "-o", "monitor", "address")
        process = subprocess.Popen(words, stdout=out, text=True)
        try:
            _until_it_listens(place, out)
            yield lines
        finally:
            process.terminate()
            process.wait(10)
        out.seek(0)
        lines += out.readlines()


def _until_it_listens(place: str, out: IO[str]) -> None:
    def touched() -> bool:
        run("ip", "-n", place, "addr", "replace", "10.99.1.1/32", "dev", "lo")
        run("ip", "-n", place, "addr", "del", "10.99.1.1/32", "dev", "lo")
        return os.fstat(out.fileno()).st_size > 0

    wait_until(touched, "the monitor's first line")


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """The VIP came to a machine, or left it, as the kernel says; monotonic seconds."""

    at: float
    machine: str
    came: bool


def _moves(name: str, lines: list[str]) -> Iterator[Move]:
    """As ip-monitor(8) prints them with -ts."""
    begun = time.time() - time.monotonic()
    for line in lines:
        if f" {VIP}/" in line:
            at = datetime.fromisoformat(line[1 : line.index("]")]).timestamp()
            yield Move(at - begun, name, "] Deleted " not in line)


def together(moves: list[Move]) -> float:
    """For how many seconds more than one machine had the VIP."""
    lasted, since, holding = 0.0, 0.0, set[str]()
    for one in moves:
        if len(holding) > 1:
            lasted += one.at - since
        holding, since = holding | {one.machine} if one.came else holding - {one.machine}, one.at
    return lasted


@dataclass(frozen=True, slots=True)
class World:
    """Everything on the bridge."""

    machines: dict[str, Machine]
    client: Client
    ca: Authority
    folder: Path

    def holders(self) -> list[str]:
        """The machines that have the VIP on an interface, as the kernel says."""
        have = (run("ip", "-n", f"{PREFIX}{name}", "-o", "addr", "show", "to", VIP) for name in self.machines)
        return [name for name, words in zip(self.machines, have, strict=True) if words.strip()]

    @contextmanager
    def moves(self) -> Iterator[list[Move]]:
        """The list holds who had the VIP at first and each move, once the block has ended."""
        moves = [Move(time.monotonic(), name, came=True) for name in self.holders()]
        with ExitStack() as stack:
            monitors = {name: stack.enter_context(_monitor(f"{PREFIX}{name}")) for name in self.machines}
            yield moves
        moves += sorted(move for name, lines in monitors.items() for move in _moves(name, lines))

    def configure(self, machine: Machine) -> None:
        """What the operator does: the file and the CA."""
        folder = machine.root / "etc/halbd"
        folder.mkdir(exist_ok=True)
        (folder / "halbd.yaml").write_text(CONFIG)
        (folder / "ca.crt").write_text(self.ca.pem)
        (machine.root / CONF).write_text(HAND_MADE)


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
        yield World(machines, Client(f"{PREFIX}client", ca), authority, work)


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


__all__ = [
    "CONF",
    "FOREIGN",
    "HAND_MADE",
    "NODES",
    "PORT",
    "VIP",
    "Move",
    "Sight",
    "World",
    "answers",
    "together",
    "wait_until",
    "world",
]
