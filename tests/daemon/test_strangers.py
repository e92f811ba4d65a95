"""Processes that have our words on their command line, and are not ours, at a start that finds no note of ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from halbd.daemon.noted import keepalived_words
from halbd.model.config import ProxyKind
from halbd.system import envoy, haproxy, process
from tests.daemon.conftest import both
from tests.daemon.node import Node
from tests.render.netns import inside

pytestmark = [pytest.mark.root, both]

WORDS = {ProxyKind.HAPROXY: haproxy.words, ProxyKind.ENVOY: envoy.words}
SLEEP = (sys.executable, "-c", "print(flush=True); import signal; signal.pause()")
LOCAL_USER = ("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups")


@contextmanager
def sleeper(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """In a session of its own."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as one:
        try:
            assert one.stdout
            assert one.stdout.readline() == b"\n"
            yield one
        finally:
            one.kill()


@pytest.mark.parametrize("who", ["a local user", "root in a container"])
def test_a_stranger_with_our_words_is_neither_taken_up_nor_ended(bare: Node, who: str) -> None:
    """As after a boot; and when a daemon that was killed is cleared up after."""
    before = inside(bare.place, *LOCAL_USER) if who == "a local user" else ()
    proxy, keepalived = WORDS[bare.kind](bare.paths), keepalived_words(bare.paths)
    with sleeper(*before, *SLEEP, *proxy) as one, sleeper(*before, *SLEEP, *keepalived) as other:
        assert process.session(one.pid) == one.pid
        bare.start_servers()
        bare.start()
        bare.until_master()
        children = {bare.proxy["pid"], bare.status["keepalived"]["pid"]}
        assert not children & {one.pid, other.pid}
        bare.daemon.kill()
        bare.daemon.wait()
        for note in ("proxy.json", "keepalived.json"):
            (bare.paths.runtime / note).unlink()
        assert bare.start("--clear").wait(30) == 0
        assert not children & bare.pids
        assert (one.poll(), other.poll()) == (None, None)
