"""The file limit, changed in a process of its own."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from halbd.model.config import Config
from halbd.system.limits import SPARE, descriptors
from tests.sample import config as sample

pytestmark = pytest.mark.root  # to drop a capability

SCRIPT = """
import pickle, resource, sys
from halbd.model.errors import HalbdError
from halbd.system.limits import raise_file_limit
try:
    raise_file_limit(pickle.load(sys.stdin.buffer))
except HalbdError as error:
    print(error)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def config(connections: int) -> Config:
    servers = ["10.10.50.11:6443", "10.10.50.12:6443"]
    frontends = [{"name": "api", "port": 6443, "max_connections": connections, "servers": servers}]
    return sample(frontends=frontends)


def limited(one: Config, soft: int, hard: int) -> list[str]:
    """What a process with these limits says, and the limits that it then has; it may not raise the hard one."""
    words = [
        "/usr/bin/setpriv",
        "--bounding-set=-sys_resource",
        "--inh-caps=-sys_resource",
        "/usr/bin/prlimit",
        f"--nofile={soft}:{hard}",
        sys.executable,
        "-c",
        SCRIPT,
    ]
    done = subprocess.run(words, input=pickle.dumps(one), capture_output=True, check=True, timeout=30)
    return done.stdout.decode().splitlines()


def test_every_connection_takes_two_descriptors() -> None:
    assert descriptors(config(1000)) == 2 * 1000 + 2 * 2 + SPARE


def test_the_soft_limit_is_raised_to_what_is_needed() -> None:
    assert limited(config(1000), 256, 8000) == [f"{descriptors(config(1000))} 8000"]


def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    assert limited(config(1000), 7000, 8000) == ["7000 8000"]


def test_a_hard_limit_that_is_too_low_is_said_with_the_ways_out() -> None:
    need = descriptors(config(1000))
    said, limits = limited(config(1000), 256, 1024)
    assert said == (
        f"cannot allow {need} open files, which max_connections needs: the limit is 1024; "
        "lower max_connections, or raise LimitNOFILE in the unit"
    )
    assert limits == "256 1024"
