"""A hand-made pair of load balancers in network namespaces, as docs/how-to/moving-over.md has it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from halbd.cli.client import ask
from halbd.lab.certs import Authority
from halbd.model.errors import NoDaemonError
from halbd.model.paths import Paths
from tests.docs.client import PATIENCE, Client
from tests.render.netns import add_address, addresses, inside, link, namespace, run, wait_until

VIP = "10.10.50.4"
NODES = {"lb1": "10.10.50.2", "lb2": "10.10.50.3"}
SERVERS = ("10.10.50.11", "10.10.50.12", "10.10.50.13")
CLIENT = "10.10.50.100"
INTERFACE = "ens192"
SYSTEMCTL = """\
#!/bin/sh
# In place of systemctl, which knows no network namespaces: all that halbd asks while keepalived runs.
cd {folder} || exit 1
case "$1" in
show)
    echo "MainPID=$(cat main.pid)"
    echo ActiveState=active
    ;;
restart)
    kill "$(cat main.pid)"
    while [ -e keepalived.pid ]; do sleep 0.02; done
    {keepalived} >>log 2>&1 &
    echo $! >main.pid
    ;;
*)
    exit 1
    ;;
esac
"""


class Balancer:
    """One VM: hand-made at first, halbd's later. keepalived is a service of its own throughout."""

    def __init__(self, name: str, place: str, folder: Path) -> None:
        self.name, self.place = name, place
        self.paths = Paths(folder / "etc", folder / "run", folder / "lib")
        self.keepalived_conf = folder / "keepalived.conf"
        self.log = folder / "log"
        self.paths.configuration.mkdir(parents=True)
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._has_halbd = False

    def start_hand_made(self, keepalived_conf: str, haproxy_cfg: str) -> None:
        """What runs before anybody has heard of halbd."""
        self.keepalived_conf.write_text(keepalived_conf)
        (self._folder / "haproxy.cfg").write_text(haproxy_cfg)
        self.haproxy = self._start("haproxy", "-db", "-f", str(self._folder / "haproxy.cfg"))
        pids = ("-p", str(self._folder / "keepalived.pid"), "-r", str(self._folder / "vrrp.pid"))
        words = ("keepalived", "-n", "-l", "-D", "-P", "-f", str(self.keepalived_conf), *pids)
        (self._folder / "main.pid").write_text(f"{self._start(*words).pid}\n")
        systemctl = self._folder / "bin/systemctl"
        systemctl.parent.mkdir()
        systemctl.write_text(SYSTEMCTL.format(folder=self._folder, keepalived=shlex.join(words)))
        systemctl.chmod(0o755)

    def write(self, text: str, ca: str, password: str) -> None:
        """What the operator puts into /etc/halbd; keepalived.conf is elsewhere here, the file limit lower."""
        own = f"keepalived: {{manage: systemd, config_file: {self.keepalived_conf}}}\n"
        fewer = text.replace("    port: 6443\n", "    port: 6443\n    max_connections: 2000\n")
        self.paths.config_file.write_text(fewer + own)
        (self.paths.configuration / "ca.crt").write_text(ca)
        secret = self.paths.configuration / "auth_pass"
        secret.touch(0o600)
        secret.write_text(password)

    def change_over(self) -> None:
        """`systemctl disable --now haproxy; systemctl enable --now halbd`."""
        self.haproxy.terminate()
        self.haproxy.wait(10)
        self._has_halbd = True
        self._start(sys.executable, "-m", "halbd.cli.halbd")

    def halbctl(self, *words: str) -> str:
        """Run the command; what it printed. Raises CalledProcessError."""
        command = inside(self.place, sys.executable, "-m", "halbd.cli.halbctl", *words)
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment, timeout=90, check=False)
        assert done.returncode == 0, f"halbctl {words}: {done.stdout}{done.stderr}{self.log.read_text()[-4000:]}"
        return done.stdout + done.stderr

    @property
    def status(self) -> dict[str, Any]:
        """The status object; empty while no daemon answers."""
        try:
            return ask(self.paths.socket, "GET", "/status").body
        except NoDaemonError:
            return {}

    @property
    def moves(self) -> list[dict[str, Any]]:
        """The VIP's arrivals and departures, as halbd here has seen them."""
        file = self.paths.history
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def well(self) -> bool:
        """By its own word, where halbd runs on it."""
        return not self._has_halbd or bool(self.status.get("healthy"))

    @property
    def holds(self) -> bool:
        """The VIP is on the interface, as the kernel has it."""
        return VIP in addresses(self.place)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            one = subprocess.Popen(inside(self.place, *words), stdout=log, stderr=log, env=self._environment)
        self._running.append(one)
        return one

    @property
    def _environment(self) -> dict[str, str]:
        folders = {
            "CONFIGURATION_DIRECTORY": self.paths.configuration,
            "RUNTIME_DIRECTORY": self.paths.runtime,
            "STATE_DIRECTORY": self.paths.state,
        }
        path = f"{self._folder / 'bin'}:{os.environ['PATH']}"
        return os.environ | {name: str(folder) for name, folder in folders.items()} | {"PATH": path}

    def end(self) -> None:
        """End everything in the namespace."""

        def emptied() -> bool:
            pids = [int(word) for word in run("ip", "netns", "pids", self.place).split()]
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            return not pids

        wait_until(emptied, f"nothing runs on {self.name}")
        for one in self._running:
            one.wait(10)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both VMs, the client that looks on, and the CA of the API servers."""

    lb1: Balancer
    lb2: Balancer
    client: Client
    ca: str

    @property
    def holders(self) -> list[str]:
        """The VMs that have the VIP."""
        return [one.name for one in (self.lb1, self.lb2) if one.holds]

    def until(self, *holders: str) -> None:
        """Until exactly these hold the VIP, and those that run halbd are well."""

        def settled() -> bool:
            return self.holders == list(holders) and self.lb1.well and self.lb2.well

        try:
            wait_until(settled, f"{holders} hold the VIP", PATIENCE)
        except AssertionError as error:
            logs = "".join(f"\n{one.name}:\n{one.log.read_text()[-5000:]}" for one in (self.lb1, self.lb2))
            raise AssertionError(f"{error}; it is {self.holders}{logs}") from None


@contextmanager
def pair(keepalived_conf: str, haproxy_cfg: str) -> Iterator[Pair]:
    """Everything runs, lb1 holds the VIP, the client is content; gone afterwards."""
    folder = Path(mkdtemp(prefix="hb-"))
    folder.chmod(0o755)
    authority = Authority()
    (folder / "ca.crt").write_text(authority.pem)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        places = {
            name: stack.enter_context(namespace(f"hb{os.getpid()}-{name}"))
            for name in (*NODES, "servers", "client", "switch")
        }
        _connect(places)
        stack.enter_context(_servers(places["servers"], authority, folder))
        nodes = [Balancer(name, places[name], folder / name) for name in NODES]
        for node in nodes:
            stack.callback(node.end)
        standby = keepalived_conf.replace("state MASTER", "state BACKUP").replace("priority 101", "priority 100")
        nodes[0].start_hand_made(keepalived_conf, haproxy_cfg)
        nodes[1].start_hand_made(standby, haproxy_cfg)
        wait_until(lambda: nodes[0].holds and not nodes[1].holds, "lb1 holds the VIP", PATIENCE)
        client = Client(places["client"], f"https://{VIP}:6443/readyz", folder / "ca.crt", folder / "records")
        stack.callback(client.end)
        yield Pair(nodes[0], nodes[1], client, authority.pem)


def _connect(places: dict[str, str]) -> None:
    switch = places["switch"]
    run("ip", "-n", switch, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    run("ip", "-n", switch, "link", "set", "br0", "up")
    for name, address in {**NODES, "servers": SERVERS[0], "client": CLIENT}.items():
        link((places[name], INTERFACE), (switch, f"p-{name}"))
        run("ip", "-n", switch, "link", "set", f"p-{name}", "master", "br0")
        add_address(places[name], INTERFACE, f"{address}/24")
    for address in SERVERS[1:]:
        add_address(places["servers"], INTERFACE, f"{address}/24")


@contextmanager
def _servers(place: str, authority: Authority, folder: Path) -> Iterator[None]:
    certificate = folder / "server.pem"
    certificate.write_text(authority.issue(["kubernetes", VIP]))
    words = ["-P", "-m", "halbd.lab.standin", "--name", "api", "--certificate", str(certificate)]
    words += [word for address in SERVERS for word in ("--tls", f"{address}:6443")]
    words += ["--answer", "/readyz=200", "--answer", "/healthz=200"]
    process = subprocess.Popen(inside(place, sys.executable, *words), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield
    finally:
        process.terminate()
        process.wait(10)
