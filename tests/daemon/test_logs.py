from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

SCRIPT = """
from halbd.daemon.logs import configure
from halbd.model.config import Log
log = configure(Log())
log.warning("vip.lost", vip="10.0.0.4")
log.info("proxy.started", pid=7)
"""


def said(*, journal: bool) -> list[str]:
    """What the daemon's logger prints to a file that is, or is not, what systemd says the journal is."""
    with tempfile.TemporaryFile("w+") as out:
        status = os.fstat(out.fileno())
        stream = f"{status.st_dev}:{status.st_ino + (0 if journal else 1)}"
        environment = os.environ | {"JOURNAL_STREAM": stream}
        subprocess.run([sys.executable, "-c", SCRIPT], stdout=out, env=environment, check=True, timeout=20)
        out.seek(0)
        return out.read().splitlines()


def test_a_line_says_when_how_bad_and_what_before_the_rest() -> None:
    lost, started = (json.loads(line) for line in said(journal=False))
    assert list(lost) == ["at", "level", "event", "vip"]
    assert (started["level"], started["event"], started["pid"]) == ("info", "proxy.started", 7)


def test_the_journal_learns_the_priority_of_each_line() -> None:
    lost, started = said(journal=True)
    assert (lost[:3], started[:3]) == ("<4>", "<6>")
    assert json.loads(lost[3:])["event"] == "vip.lost"
