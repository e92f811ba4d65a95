"""What is still there after its end, by real processes and cgroups."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from halbd.lab import memory, record
from halbd.lab.processes import zombies


def test_a_child_that_nobody_has_reaped_is_a_zombie_and_named() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid not in {one.pid for one in zombies({os.getpid()})}
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        (found,) = (one for one in zombies({os.getpid()}) if one.pid == child.pid)
        assert found.parent == os.getpid()
        assert "python" in found.words[0]
    assert child.pid not in {one.pid for one in zombies({os.getpid()})}


@pytest.mark.root
def test_a_lab_that_is_removed_leaves_no_cgroup() -> None:
    folder = record.create()
    start = memory.group(folder.path.name, "lb1")
    with memory.Scarce(f"{start}nobody", ()) as scarce:
        made = memory.groups(start)
        asyncio.run(folder.remove())
        assert memory.groups(start) == ()
    if scarce.how != "cgroup":
        pytest.skip("this machine lets us make no cgroup")
    assert made
