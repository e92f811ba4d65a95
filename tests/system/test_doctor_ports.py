"""Whose port it is: our proxy's words on a command line are not enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from halbd.model.paths import Paths
from halbd.system.doctor.ports import holders
from tests.sample import config

pytestmark = pytest.mark.root

LISTEN = "import socket, signal; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"


@pytest.mark.parametrize(("account", "ours"), [("nobody", True), ("root", True), ("daemon", False)])
def test_the_proxy_is_known_by_its_account_too(tmp_path: Path, account: str, ours: bool) -> None:
    paths = Paths(tmp_path, tmp_path, tmp_path)
    before = ["setpriv", f"--reuid={account}", "--clear-groups", sys.executable, "-I", "-c"]
    words = [*before, f"{LISTEN}; signal.pause()", str(paths.current / "haproxy.cfg")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as one:
        try:
            assert one.stdout
            frontend = {"name": "api", "port": int(one.stdout.readline()), "servers": ["10.10.50.11:6443"]}
            file = config(frontends=[frontend], proxy={"user": "nobody"})
            assert [(found.pid, found.ours) for found in holders(file, paths)] == [(one.pid, ours)]
        finally:
            one.kill()
