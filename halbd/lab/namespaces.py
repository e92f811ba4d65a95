"""Network namespaces by name, and the processes that live in them. Nobody else's process is ever signalled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from halbd.lab.command import run
from halbd.lab.errors import LabError

NETNS = Path("/run/netns")  # where ip-netns(8) keeps them
ROUNDS = 50  # of 0.1 s: killed processes are gone within milliseconds unless the kernel holds them


def inside(namespace: str) -> tuple[str, ...]:
    """The words before a command that is to run in `namespace`; ip(8) execs it, so the PID is the command's own."""
    return ("ip", "netns", "exec", namespace)


async def named(prefix: str) -> tuple[str, ...]:
    """The namespaces whose name starts with `prefix`."""
    lines = (await run("ip", "netns", "list")).splitlines()
    return tuple(word[0] for line in lines if (word := line.split()) and word[0].startswith(prefix))


def signal_in(namespace: str, pid: int, number: signal.Signals) -> bool:
    """Signal `pid` if it lives in `namespace`; False where it does not, or is gone.

    The pidfd is opened before the look at its namespace: what is signalled is what was looked at, even if the PID
    is used again in between (pidfd_open(2)).
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not Path(f"/proc/{pid}/ns/net").samefile(NETNS / namespace):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except (FileNotFoundError, ProcessLookupError):
        return False
    finally:
        os.close(descriptor)
    return True


async def empty(namespace: str) -> None:
    """Kill every process in `namespace`, and those that they start meanwhile.

    Raises:
        LabError: one does not die.
    """
    for _ in range(ROUNDS):
        pids = [int(word) for word in (await run("ip", "netns", "pids", namespace)).split()]
        if not pids:
            return
        for pid in pids:
            signal_in(namespace, pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
    raise LabError(f"cannot empty {namespace}: processes {pids} do not die")


async def remove(namespace: str) -> None:
    """Empty and delete `namespace`, its interfaces and its files in /etc/netns with it. Raises LabError."""
    await empty(namespace)
    await run("ip", "netns", "delete", namespace)
    files = etc(namespace)
    for name in ("hosts", "resolv.conf"):
        (files / name).unlink(missing_ok=True)
    for folder in (files, files.parent):
        with contextlib.suppress(OSError):  # not there, or somebody else's things are in it
            folder.rmdir()


def etc(namespace: str) -> Path:
    """Whose files `ip netns exec` binds over those of /etc (ip-netns(8))."""
    return Path("/etc/netns") / namespace
