"""The stand-in server and the client, against each other on loopback; no root, no namespaces."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from halbd.lab.certs import Authority


@dataclass(frozen=True, slots=True)
class Standin:
    """A running stand-in."""

    process: subprocess.Popen[str]
    port: int
    ca: Path
    broken: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/readyz"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[Standin]:
    authority, port = Authority(), free_port()
    (tmp_path / "ca.crt").write_text(authority.pem)
    (tmp_path / "server.pem").write_text(authority.issue(["127.0.0.1", "kubernetes"]))
    words = [sys.executable, "-m", "halbd.lab.standin", "--name", "s1", "--tls", f"127.0.0.1:{port}"]
    words += ["--certificate", str(tmp_path / "server.pem"), "--answer", "/readyz=200", "--broken", str(tmp_path / "b")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield Standin(process, port, tmp_path / "ca.crt", tmp_path / "b")
        process.kill()


def client(standin: Standin, *options: str) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "halbd.lab.client", standin.url, "--ca", str(standin.ca), *options]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    return [json.loads(line) for line in done.stdout.splitlines()]


def errors(records: list[dict[str, Any]]) -> set[str]:
    return {record["error"] for record in records if "attempt" in record}


def test_connections_succeed_and_a_watch_is_held(standin: Standin) -> None:
    (summary,) = client(standin, "--rate", "50", "--seconds", "1", "--watches", "3", "--summary")
    assert (summary["failed"], summary["watches"], summary["watches_reset"]) == (0, 3, 0)
    assert summary["attempts"] > 1
    assert summary["cost"]["cpu_percent"] > 0


def test_a_status_of_500_is_a_failure(standin: Standin) -> None:
    standin.broken.touch()
    assert errors(client(standin, "--rate", "10", "--seconds", "0.5")) == {"HTTP 500"}


def test_a_port_without_a_listener_is_refused(standin: Standin) -> None:
    standin.process.kill()
    standin.process.wait()
    assert errors(client(standin, "--rate", "10", "--seconds", "0.5")) == {"refused"}


def test_a_certificate_of_another_ca_is_a_failure(standin: Standin) -> None:
    standin.ca.write_text(Authority().pem)
    assert all(error.startswith("certificate") for error in errors(client(standin, "--rate", "10", "--seconds", "0.5")))


def test_a_server_that_does_not_answer_times_out(standin: Standin) -> None:
    standin.process.send_signal(signal.SIGSTOP)
    assert "timeout" in errors(client(standin, "--rate", "10", "--seconds", "1", "--timeout", "0.3"))


def test_a_watch_whose_server_dies_is_reset(standin: Standin) -> None:
    words = [sys.executable, "-m", "halbd.lab.client", standin.url, "--ca", str(standin.ca), "--rate", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert "line" in json.loads(watcher.stdout.readline())
        standin.process.kill()
        records = (json.loads(line) for line in watcher.stdout)
        assert next(record["how"] for record in records if "broken" in record) == "reset"
        os.kill(watcher.pid, signal.SIGTERM)
        watcher.stdout.read()


def test_the_stand_in_says_who_it_is(standin: Standin) -> None:
    words = ["curl", "--silent", "--include", "--max-time", "10", "--cacert", str(standin.ca), standin.url]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    assert done.stdout.startswith("HTTP/1.1 200")
    assert "X-Served-By: s1" in done.stdout
