"""Network namespaces for a test: links and addresses of its own, gone afterwards. Needs root and ip(8)."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def run(*words: str, check: bool = True) -> str:
    """Run a program to its end; its output, or CalledProcessError when it failed and `check` is set."""
    return subprocess.run(words, check=check, capture_output=True, text=True, timeout=20).stdout


def inside(namespace: str, *words: str) -> tuple[str, ...]:
    """The argument list that runs those words in the namespace."""
    return ("ip", "netns", "exec", namespace, *words)


@contextmanager
def namespace(name: str) -> Iterator[str]:
    """An empty namespace with loopback up."""
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "netns", "del", name)


def link(one: tuple[str, str], other: tuple[str, str]) -> None:
    """A veth pair between two (namespace, interface) ends, both up. IPv6 addresses are usable at once (no DAD)."""
    run("ip", "-n", one[0], "link", "add", one[1], "type", "veth", "peer", "name", other[1], "netns", other[0])
    for place, interface in (one, other):
        run(*inside(place, "sysctl", "-qw", f"net/ipv6/conf/{interface}/accept_dad=0"))
        run("ip", "-n", place, "link", "set", interface, "up")


def add_address(place: str, interface: str, address: str) -> None:
    """Give the interface an address, with its prefix length."""
    run("ip", "-n", place, "addr", "add", address, "dev", interface)


def addresses(place: str) -> set[str]:
    """Every address in the namespace, without prefix lengths."""
    found: list[dict[str, Any]] = json.loads(run("ip", "-n", place, "-j", "addr"))
    return {entry["local"] for device in found for entry in device["addr_info"]}


def wait_until(sign: Callable[[], object], what: str, deadline: float = 20, interval: float = 0.02) -> None:
    """Return as soon as the sign is there, asked each `interval`; fail with `what` after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not sign():
        if time.monotonic() > end:
            raise AssertionError(f"not seen within {deadline} s: {what}")
        time.sleep(interval)
