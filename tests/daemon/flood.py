"""A thousand clients of a bad habit. Run as a program: how long the check takes beside them (root)."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from halbd.lab.certs import Authority
from tests.daemon.node import Node, running_node

MANY = 1000
FLOOD = """
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
path, count, text = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
kept = []
while len(kept) < count:
    one = socket.socket(socket.AF_UNIX)
    one.connect(path)  # blocking: it waits while the queue is full
    try:
        one.sendall(text)
    except OSError:
        pass  # dropped already
    kept.append(one)
print("there", flush=True)
sys.stdin.read()
"""
HABITS = {
    "says nothing": "",
    "sends half a request": "GET /check HT",
    "sends half a body": "POST /drain HTTP/1.1\r\nHost: halbd\r\nContent-Length: 9000\r\n\r\n{",
    "does not read its answer": "GET /history?limit=1000 HTTP/1.1\r\nHost: halbd\r\n\r\n",
}
SAID = "may hold the VIP: the daemon says so\n"
"""What halbd-check prints only when the daemon itself has answered."""


@contextmanager
def flood(node: Node, text: str, uid: int, gid: int) -> Iterator[None]:
    """That many clients of that account, connected for as long as this lasts."""
    drop = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    words = [*drop, "/usr/bin/python3", "-I", "-S", "-c", FLOOD, str(node.paths.socket), str(MANY), text]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as clients:
        assert clients.stdin is not None
        assert clients.stdout is not None
        assert clients.stdout.readline() == b"there\n"
        yield
        clients.stdin.close()


def descriptors(node: Node) -> int:
    return len(list(Path(f"/proc/{node.daemon.pid}/fd").iterdir()))


def resident(node: Node) -> int:
    """KiB of memory (proc(5), VmRSS)."""
    text = Path(f"/proc/{node.daemon.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def answered(node: Node) -> bool:
    """The question of halbd-check, without the start of a process."""
    return node.ask("GET", "/check").body["ok"] is True


def ran(node: Node) -> bool:
    """halbd-check, as keepalived runs it; whether the daemon answered, or else it has looked for itself."""
    check = node.check()
    assert check.returncode == 0
    return check.stdout == SAID


def timed(what: Callable[[Node], bool], node: Node, times: int) -> str:
    """Median and 99th percentile, in milliseconds, of what the daemon answered, and how often it did not."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        if what(node):
            took.append((time.perf_counter() - begun) * 1000)
    without = f", {times - len(took)} without the daemon" * (len(took) < times)
    if len(took) < 2:
        return f"-{without}"
    return f"{statistics.median(took):.1f} / {statistics.quantiles(took, n=100)[98]:.1f} ms{without}"


def behind(node: Node, text: str) -> tuple[float, float]:
    """Milliseconds, and those of them that the daemon's processor time is, until it has answered behind all of them.

    It is stopped while they come, so that they wait in its queue all at once.
    """
    os.kill(node.daemon.pid, signal.SIGSTOP)
    with flood(node, text, 0, 0), socket.socket(socket.AF_UNIX) as last:
        last.connect(str(node.paths.socket))
        last.sendall(b"GET /check HTTP/1.1\r\nHost: halbd\r\n\r\n")
        begun, busy = time.perf_counter(), processor(node)
        os.kill(node.daemon.pid, signal.SIGCONT)
        assert last.recv(12)[:9] == b"HTTP/1.1 ", "yes, or stale where the machine was slow to bring them"
        return (time.perf_counter() - begun) * 1000, processor(node) - busy


def processor(node: Node) -> float:
    """Milliseconds of processor time of the daemon's one thread (the kernel's Documentation/scheduler/sched-stats)."""
    return int(Path(f"/proc/{node.daemon.pid}/schedstat").read_text().split()[0]) / 1e6


def first(node: Node, text: str) -> str:
    """Median and maximum of ten, wall and processor time."""
    wall, busy = zip(*(behind(node, text) for _ in range(10)), strict=True)
    medians = (f"{statistics.median(of):.0f} / {max(of):.0f}" for of in (wall, busy))
    return " ms, ".join(medians) + " ms of processor time"


def report(node: Node, habit: str, beside: Callable[[], AbstractContextManager[None]]) -> None:
    """One row: what the socket and halbd-check take, and what the daemon holds meanwhile."""
    last = first(node, HABITS[habit]) if habit in HABITS else "-"
    with beside():
        held = f"{descriptors(node)}, {resident(node) >> 10} MB"
        asked = timed(answered, node, 1000)
    with beside():  # the first ones are dropped by now, because their time is over
        check = timed(ran, node, 50)
    print(f"| {habit} | {last} | {asked} | {check} | {held} |", flush=True)  # noqa: T201  # this is its output


def main() -> None:
    """A node in a namespace, alone and then beside each kind of client."""
    with running_node(f"hbt{os.getpid()}flood", Authority()) as node:
        report(node, "nobody else", nullcontext)
        for habit, text in HABITS.items():
            report(node, habit, partial(flood, node, text, 0, 0))


if __name__ == "__main__":
    main()
