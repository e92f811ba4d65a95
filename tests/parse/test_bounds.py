"""However a file is made, reading it takes little time and memory: its size is bounded, and no work is squared."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from halbd.parse.document import LARGEST_FILE, MOST_VALUES
from tests.sample import sample_yaml

CPU = 20
"""Seconds. Each of these takes about one; where every entry is compared with each, they take minutes."""
MEMORY = 512 << 20
"""Bytes of address space: what the interpreter and its libraries take, and as much again."""

SOME = MOST_VALUES // 4
NAMES = "".join(f"- {{name: n{i}, address: 10.1.{i // 250}.{i % 250 + 1}}}\n" for i in range(SOME))
VIPS = "".join(f"- {{address: 10.2.{i // 250}.{i % 250 + 1}, prefer: x}}\n" for i in range(SOME // 2))
NODES = "nodes: [{name: lb1, address: 10.10.50.2}, {name: lb2, address: 10.10.50.3}]\n"

LARGE = {
    "values": "a: [" + "a," * (LARGEST_FILE // 2 - 10) + "]",
    "lists": "a: [" + "[]," * (LARGEST_FILE // 3 - 10) + "]",
    "one key again and again": "a:\n" * (LARGEST_FILE // 3),
    "anchors": "a: [" + "".join(f"&a{i} x," for i in range(LARGEST_FILE // 11)) + "]",
    "brackets": "[" * LARGEST_FILE,
    "unknown keys": sample_yaml().decode() + "".join(f"vrrp{i}:\n" for i in range(MOST_VALUES - 100)),
    "wrong nodes": "nodes: [" + "1," * (MOST_VALUES - 100) + "]",
    "wrong frontends": "frontends: [" + "1," * (MOST_VALUES - 100) + "]",
    "all lists wrong": "".join(f"{key}: [{'1,' * (MOST_VALUES // 4)}]\n" for key in ("nodes", "vips", "frontends")),
    "nodes and VIPs": f"nodes:\n{NAMES}vips:\n{VIPS}",
    "one VIP again and again": NODES + "vips:\n" + "- {address: 10.10.50.4}\n" * (MOST_VALUES // 2 - 100),
    "one frontend again and again": NODES
    + "frontends:\n"
    + "- {servers: [a:1], check: {insecure: true}}\n" * (SOME // 2),
}

PROGRAM = """
import sys
from halbd.parse.parse import parse
from tests.sample import HOST, read
problems = parse(sys.stdin.buffer.read(), HOST, read)
print(len(problems))
"""


def limit() -> None:
    """The kernel ends who takes more (setrlimit(2))."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("case", LARGE)
def test_the_largest_files_are_answered(case: str) -> None:
    words = [sys.executable, "-c", PROGRAM]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        words, input=LARGE[case].encode(), capture_output=True, check=False, cwd=root, preexec_fn=limit
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert 0 < int(done.stdout) <= 2 * MOST_VALUES
