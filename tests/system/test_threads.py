"""A process that can start no thread any more: the limit of its memory leaves no room for a stack."""

from __future__ import annotations

import subprocess
import sys

NONE_LEFT = """
import resource
def none_left():
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (4 << 20),) * 2)
"""
SCRIPT = """
import threading
from halbd.model.errors import HalbdError
from halbd.system.threads import Threads
pool = Threads(3, "test")
none_left()
try:
    threading.Thread(target=print).start()
except RuntimeError as error:
    print(error)
print([pool.submit(pow, 2, n).result() for n in range(9)])
try:
    Threads(3, "test")
except HalbdError as error:
    print(error)
"""


ASK = """
import asyncio, socket
from ipaddress import ip_address
from halbd.model.config import Scheme
from halbd.model.evidence import Target
from halbd.system.probe import Prober
async def ask(port):
    prober = Prober(threads=2)
    target = Target("local/a", "a", ip_address("127.0.0.1"), port, Scheme.HTTP, "/", (200,), "a", None, 2)
    idle = prober._pool._idle_semaphore  # one that is not yet idle would have another one started
    assert all(idle.acquire(timeout=20) for _ in range(2))
    idle.release(2)
    none_left()
    for one in await asyncio.gather(*(prober.ask(target) for _ in range(3))):
        print(one.ok, one.ours, one.error)
    prober.close()
with socket.create_server(("127.0.0.1", 0)) as silent:
    asyncio.run(ask(silent.getsockname()[1]))
"""


def said(script: str) -> list[str]:
    """The lines that it prints."""
    words = [sys.executable, "-c", NONE_LEFT + script]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()


def test_a_question_for_which_there_is_no_thread_says_nothing_of_the_proxy() -> None:
    assert said(ASK) == [*["False False no answer within 2 s"] * 2, "False True can't start new thread"]


def test_a_pool_works_on_where_no_thread_can_be_started() -> None:
    none, answers, refused = said(SCRIPT)
    assert none == "can't start new thread"
    assert answers == str([2**n for n in range(9)])
    assert refused == "cannot start 3 threads: can't start new thread"
