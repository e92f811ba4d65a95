"""One load balancer: the real command in a network namespace of its own, with stand-in API servers beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import yaml

from halbd.cli.client import Answer, ask
from halbd.lab.certs import Authority
from halbd.model.config import ProxyKind
from halbd.model.errors import NoDaemonError
from halbd.model.paths import Paths
from halbd.system import process
from tests.render.netns import add_address, addresses, inside, link, namespace, run, wait_until

VIP = "10.99.0.4"
SERVERS = ("10.99.0.11", "10.99.0.12")
SPARE = "10.99.0.13"  # answers as they do, and is in no file yet
PORT = 6443
SERVER_PORT = 7443  # another one: the proxy listens on every address of the namespace
EVERY_STATUS = tuple(range(200, 600))


def frontend(name: str = "kube-apiserver", port: int = PORT, **more: Any) -> dict[str, Any]:
    """One frontend, judged within a fraction of a second; the file limit of a small machine allows it."""
    check = {"ca_file": "ca.crt", "interval": 0.3, "timeout": 0.3, "rise": 1, "fall": 2}
    servers = [f"{address}:{SERVER_PORT}" for address in SERVERS]
    return {"name": name, "port": port, "max_connections": 200, "servers": servers, "check": check} | more


def document() -> dict[str, Any]:
    """halbd.yaml as every test begins: two nodes, of which this is the preferred one, and one VIP."""
    return {
        "nodes": [{"name": "lb1", "address": "10.99.0.1"}, {"name": "lb2", "address": "10.99.0.2"}],
        "vips": [{"address": VIP}],
        "vrrp": {"advert_int": 0.1},
        "frontends": [frontend()],
        "health": {"interval": 0.3, "timeout": 0.3, "rise": 1, "fall": 5},
        "keepalived": {"manage": "child"},
        "log": {"format": "json"},
    }


class Node:
    """The node's folders, its daemon and what that says. Everything in its namespace ends with it."""

    def __init__(self, place: str, folder: Path, ca: Authority, kind: ProxyKind) -> None:
        self.place = place
        self.kind = kind
        self.folder = folder
        self.broken = folder / "broken"
        self.log = folder / "log"
        self.paths = Paths(folder / "etc", folder / "run", folder / "lib")
        self.paths.configuration.mkdir()
        self.ca_file = self.paths.configuration / "ca.crt"
        self.ca_file.write_text(ca.pem)
        (folder / "server.pem").write_text(ca.issue(["kubernetes"]))
        self.log.touch()
        self._started: list[subprocess.Popen[bytes]] = []
        self.write()

    # the operator's hands

    def write(self, **top_level: Any) -> None:
        """The usual file, with these top-level keys instead of its own."""
        proxy = {"kind": self.kind.value} | top_level.pop("proxy", {})
        self.write_text(yaml.safe_dump(document() | top_level | {"proxy": proxy}))

    def write_text(self, text: str) -> None:
        """Any file at all."""
        self.paths.config_file.write_text(text)

    def start(self, *words: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the real command; `before` are words in front of it, such as a wrapper."""
        self.daemon = self.run_in(*before, sys.executable, "-m", "halbd.cli.halbd", *words)
        return self.daemon

    def start_servers(self) -> subprocess.Popen[bytes]:
        """The stand-in API servers; each answers 500 while the file `broken` is there."""
        places = [word for address in (*SERVERS, SPARE) for word in ("--tls", f"{address}:{SERVER_PORT}")]
        answers = ["--answer", "/readyz=200", "--answer", "/healthz=200", "--broken", str(self.broken)]
        certificate = ["--certificate", str(self.folder / "server.pem")]
        return self.run_in(sys.executable, "-m", "halbd.lab.standin", "--name", "api", *places, *certificate, *answers)

    def run_in(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program in the namespace; what it prints goes to the log."""
        with self.log.open("ab") as log:
            one = subprocess.Popen(inside(self.place, *words), stdout=log, stderr=log, env=self.environment)
        self._started.append(one)
        return one

    @property
    def environment(self) -> dict[str, str]:
        """The three folders, in the convention of systemd.exec(5)."""
        folders = {
            "CONFIGURATION_DIRECTORY": self.paths.configuration,
            "RUNTIME_DIRECTORY": self.paths.runtime,
            "STATE_DIRECTORY": self.paths.state,
        }
        return os.environ | {name: str(folder) for name, folder in folders.items()}

    # what is to be seen

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """One question to the socket. Raises NoDaemonError."""
        return ask(self.paths.socket, method, path, known=EVERY_STATUS, patience=20, body=body)

    def reload(self) -> Answer:
        """Have the file on disk taken up, and give the answer."""
        return self.ask("POST", "/reload")

    @property
    def status(self) -> dict[str, Any]:
        """The status object; empty while nobody answers."""
        try:
            return self.ask("GET", "/status").body
        except NoDaemonError:
            return {}

    @property
    def causes(self) -> list[str]:
        """What speaks against this node."""
        return [reason["cause"] for reason in self.status.get("reasons", [])]

    @property
    def proxy(self) -> dict[str, Any]:
        """The proxy's part of status."""
        return dict(self.status.get("proxy", {}))

    @property
    def holds_vip(self) -> bool:
        """The address is on the interface, as the kernel has it."""
        return VIP in addresses(self.place)

    @property
    def keepalived_pid_file(self) -> Path:
        return self.paths.runtime / "keepalived.pid"

    @property
    def fault(self) -> str:
        """What keepalived was last told."""
        return (self.paths.track_folder / "fault").read_text().strip()

    @property
    def pids(self) -> set[int]:
        """Every process in the namespace."""
        return {int(word) for word in run("ip", "netns", "pids", self.place).split()}

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The daemon's log lines of one event. One that is being written shows up to the end of a page at first."""
        whole = self.log.read_text().rpartition("\n")[0]
        rows = (json.loads(line) for line in whole.splitlines() if line.startswith("{"))
        return [row for row in rows if row.get("event") == event]

    @property
    def kept(self) -> int:
        """How many lines of the history are on disk, where each comes a moment after status has it."""
        return self.paths.history.read_text().count("\n") if self.paths.history.exists() else 0

    def generations(self) -> list[str]:
        """What is in the folder of generations."""
        folder = self.paths.generations
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def check(self) -> subprocess.CompletedProcess[str]:
        """halbd-check, as the distribution's interpreter runs it."""
        words = ["/usr/bin/python3", "-I", "-S", "halbd/cli/check.py", str(self.paths.socket)]
        return subprocess.run(inside(self.place, *words), capture_output=True, text=True, timeout=20, check=False)

    def until(self, sign: Callable[[], bool], what: str) -> Self:
        """Wait for a sign; what was logged tells why it did not come."""
        try:
            wait_until(sign, what, 60)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.status)}\n{self.log.read_text()[-6000:]}") from None
        return self

    def until_master(self) -> Self:
        """The daemon is there, finds itself well and knows that it holds the VIP."""

        def settled() -> bool:
            status = self.status
            return status.get("role") == "master" and bool(status["healthy"]) and self.holds_vip

        return self.until(settled, "the node is master")

    # its end

    def end_keepalived(self) -> None:
        """Killed, and not to be started again: its pid file names another program of that name, until it is removed."""
        other = self.folder / "keepalived"
        shutil.copy2("/bin/sleep", other)
        stranger = self.run_in(str(other), "600")
        self.until(lambda: process.program_of(stranger.pid) == str(other), "another program of that name")
        os.killpg(self.status["keepalived"]["pid"], signal.SIGKILL)
        self.keepalived_pid_file.write_text(str(stranger.pid))
        self.until(lambda: len(self.lines("keepalived.exited")) >= 3, "several starts that fail")

    def kill_all(self) -> None:
        """End everything that lives in the namespace: nothing of it was there before this test."""

        def emptied() -> bool:
            for pid in self.pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            return not self.pids

        wait_until(emptied, "an empty namespace")
        for one in self._started:
            one.wait(10)


@contextmanager
def bare_node(name: str, ca: Authority, kind: ProxyKind = ProxyKind.HAPROXY) -> Iterator[Node]:
    """A node whose addresses and files are there, and on which nothing runs yet."""
    # HAProxy takes no socket path above 97 characters, and its account must get in: pytest's own folders fit neither.
    folder = Path(mkdtemp(prefix="hb-"))
    folder.chmod(0o755)
    try:
        with namespace(name):
            link((name, "eth0"), (name, "peer0"))
            add_address(name, "eth0", "10.99.0.1/24")
            for address in (*SERVERS, SPARE):
                add_address(name, "lo", f"{address}/32")
            node = Node(name, folder, ca, kind)
            try:
                yield node
            finally:
                node.kill_all()
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_node(name: str, ca: Authority, kind: ProxyKind = ProxyKind.HAPROXY) -> Iterator[Node]:
    """A node that is master and well."""
    with bare_node(name, ca, kind) as node:
        node.start_servers()
        node.start()
        yield node.until_master()
