from __future__ import annotations

import fcntl
import json
import os
import pty
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from halbd.daemon.logs import entry
from halbd.system.journal import send

SCRIPT = """
import sys
from pathlib import Path
from halbd.daemon.logs import configure
from halbd.model.config import Log, LogFormat
log = configure(Log(format=LogFormat(sys.argv[1])), Path(sys.argv[2]))
log.warning("vip.lost", vip="10.0.0.4")
log.info("proxy.started", pid=7)
log.error("halbd.failed", why="cannot start")
"""
NOBODY = Path("/nonexistent")


def said(*, journal: bool, socket: Path = NOBODY, form: str = "auto") -> list[str]:
    """What the daemon's logger prints to a file that is, or is not, what systemd says the journal is."""
    with tempfile.TemporaryFile("w+") as out:
        status = os.fstat(out.fileno())
        stream = f"{status.st_dev}:{status.st_ino + (0 if journal else 1)}"
        environment = os.environ | {"JOURNAL_STREAM": stream}
        words = [sys.executable, "-c", SCRIPT, form, str(socket)]
        subprocess.run(words, stdout=out, env=environment, check=True, timeout=20)
        out.seek(0)
        return out.read().splitlines()


def test_a_line_says_when_how_bad_and_what_before_the_rest() -> None:
    lost, started, _ = (json.loads(line) for line in said(journal=False))
    assert list(lost) == ["at", "level", "event", "vip"]
    assert (started["level"], started["event"], started["pid"]) == ("info", "proxy.started", 7)


def test_where_the_journal_has_no_socket_it_learns_the_priority_of_each_line() -> None:
    lost, started, failed = said(journal=True)
    assert (lost[:3], started[:3], failed[:3]) == ("<4>", "<6>", "<3>")
    assert json.loads(lost[3:])["event"] == "vip.lost"


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    """The other end of the journal's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "socket"))
        one.settimeout(20)
        yield one


def fields(datagram: bytes) -> dict[str, str]:
    """As journald reads it: a name, a newline, the length in eight octets, the value, a newline."""
    found = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        end = 8 + int.from_bytes(rest[:8], "little")
        found[name.decode()] = rest[8:end].decode()
        assert rest[end : end + 1] == b"\n"
        datagram = rest[end + 1 :]
    return found


def test_the_journal_gets_entries_with_fields_and_the_last_words_as_a_line(
    journald: socket.socket, tmp_path: Path
) -> None:
    (failed,) = said(journal=True, socket=tmp_path / "socket")
    assert json.loads(failed.removeprefix("<3>"))["why"] == "cannot start"
    assert fields(journald.recv(65536)) == {
        "MESSAGE": "vip.lost vip=10.0.0.4",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "halbd",
        "HALBD_EVENT": "vip.lost",
        "HALBD_VIP": "10.0.0.4",
    }
    assert fields(journald.recv(65536))["HALBD_PID"] == "7"


def test_who_asks_for_json_gets_json_in_the_journal_too(journald: socket.socket, tmp_path: Path) -> None:
    lost, *_ = said(journal=True, socket=tmp_path / "socket", form="json")
    assert json.loads(lost.removeprefix("<4>"))["event"] == "vip.lost"
    journald.setblocking(False)
    with pytest.raises(BlockingIOError):
        journald.recv(1)


def test_no_value_can_begin_a_field_of_its_own(journald: socket.socket, tmp_path: Path) -> None:
    forged = "a\nPRIORITY=0\nMESSAGE=b"
    send({"HALBD_LINE": forged, "HALBD_VIP": "\udcff"}, tmp_path / "socket")
    assert fields(journald.recv(65536)) == {"HALBD_LINE": forged, "HALBD_VIP": "?"}


def test_a_message_reads_as_words_and_quotes_what_is_more_than_one() -> None:
    line = {"at": "now", "level": "info", "event": "verdict.changed", "may": True, "why": "it's so", "of": ["ä", "b"]}
    said = entry("info", line | {"empty": "", "none": None, "pair": "a=b", "line": "x\ny"})
    assert said["MESSAGE"] == (
        'verdict.changed may=true why="it\'s so" of=["ä", "b"] empty="" none=null pair="a=b" line="x\\ny"'
    )
    assert (said["HALBD_WHY"], said["HALBD_OF"], said["HALBD_NONE"]) == ("it's so", '["ä", "b"]', "null")
    assert "HALBD_AT" not in said


def test_an_entry_that_is_too_long_for_a_datagram_is_refused(journald: socket.socket, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        send({"MESSAGE": "x" * 2**24}, tmp_path / "socket")
    assert journald.fileno() > 0


UNREAD = """
import sys
from halbd.daemon.logs import configure
from halbd.model.config import Log, LogFormat
log = configure(Log(format=LogFormat.JSON))
log.info("long", words="x" * 6000)
log.info("lost")
sys.stderr.write("full")
sys.stderr.flush()
sys.stdin.read()
log.info("next")
log.info("last")
"""


def test_a_reader_that_hangs_loses_lines_and_stops_nothing() -> None:
    """The next line that it gets says how many, and is whole."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with (
        os.fdopen(reader, "rb") as lines,
        subprocess.Popen(
            [sys.executable, "-c", UNREAD], stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE
        ) as one,
    ):
        os.close(writer)
        assert one.stdin
        assert one.stderr
        assert one.stderr.read(4) == b"full"
        torn = os.read(reader, 4096)
        one.stdin.close()
        end, *rest = lines.read().splitlines()
    assert torn.startswith(b'{"at"')
    assert (len(torn), end) == (4096, b"")
    assert [(line["event"], line.get("lines_lost")) for line in map(json.loads, rest)] == [("next", 2), ("last", None)]


def test_a_terminal_that_is_not_read_stops_nothing() -> None:
    ours, theirs = pty.openpty()
    script = UNREAD.replace('log.info("lost")', "for _ in range(100): log.info('many', words='x' * 1000)")
    one = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.DEVNULL, stdout=theirs)
    assert one.wait(60) == 0
    assert os.get_blocking(theirs)
    os.close(ours)
    os.close(theirs)
