"""Processes: start, recognise, signal, and know at once when they end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import psutil

from halbd.model.errors import FailedError
from halbd.system import sock_diag
from halbd.system.helper import ask

TICKS_FIELD = 22
"""starttime in /proc/PID/stat (proc_pid_stat(5)), in clock ticks since boot: the wall clock does not touch it."""

GONE = " (deleted)"
"""How /proc says that the file is there no more."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process and not its successor: a PID is used again, a PID with its start time is not."""

    pid: int
    start_ticks: int


def spawn(arguments: Sequence[str], environment: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    """Start a program in a session, and so a process group, of its own; both its outputs go to the descriptor `output`.

    No parent-death signal: the proxy must outlive a daemon that crashes.

    Raises:
        FailedError: the program cannot be executed.
    """
    try:
        return subprocess.Popen(  # the caller keeps it and reaps it
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            cwd="/",  # its account may not be allowed into ours, and HAProxy insists on coming back to where it began
            start_new_session=True,
        )
    except OSError as error:
        raise FailedError(f"cannot start {arguments[0]}: {error.strerror}") from error


def identity(pid: int) -> Identity | None:
    """The process of this PID, or None where it is gone or a zombie: a zombie serves nobody."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may itself hold blanks and parentheses: count from the last one (proc_pid_stat(5)).
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else Identity(pid, int(fields[TICKS_FIELD - 3]))


def program_of(pid: int) -> str | None:
    """The executable's path (/proc/PID/exe), None where it cannot be told."""
    try:
        path = ask.program(pid)
    except FailedError:
        return None
    return path and path.removesuffix(GONE)


def replaced(pid: int) -> bool:
    """The file that the process was executed from has been removed, or is another by now (proc_pid_exe(5)).

    Raises FailedError.
    """
    return (ask.program(pid) or "").endswith(GONE)


def arguments_of(pid: int) -> tuple[str, ...]:
    """The command line (/proc/PID/cmdline), empty where it cannot be told."""
    try:
        return tuple(Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0"))
    except OSError:
        return ()


def name_of(pid: int) -> str:
    """Its name (proc_pid_comm(5)), the first 15 octets of its program's, for all to read; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def pid_in(path: Path, name: str) -> int | None:
    """The PID that a pid file names, if a live process of that name has it.

    Not by its executable, which takes the helper: without an answer nobody would know a second keepalived.
    """
    try:
        pid = int(path.read_text())
    except (OSError, ValueError):
        return None
    return pid if identity(pid) and name_of(pid) == name else None


async def ended(who: Identity) -> None:
    """Return as soon as the process has ended, told by its pidfd (pidfd_open(2)); works for adopted ones as well.

    Raises:
        ProcessLookupError: there is no such process, or its PID belongs to another one by now.
    """
    descriptor = os.pidfd_open(who.pid)
    if who.start_ticks and identity(who.pid) not in {who, None}:
        os.close(descriptor)
        raise ProcessLookupError(who.pid)
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    try:
        loop.add_reader(descriptor, gone.set)
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def send(who: Identity, number: signal.Signals) -> None:
    """Signal the whole process group, if its leader is still the process that was started."""
    if identity(who.pid) != who:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(who.pid, number)


def unreaped(pid: int) -> bool:
    """A child of ours that has ended and still has its number, which so cannot be anybody else's (waitid(2))."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def reap(pid: int) -> int | None:
    """The exit code of a child that has ended, negative for a signal; None where it is none of ours, or lives."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if found else None


def children() -> tuple[int, ...]:
    """Our own, also those that have ended and wait to be reaped."""
    return tuple(one.pid for one in psutil.Process().children())


def leaders_with(arguments: list[str], accounts: frozenset[int]) -> tuple[Identity, ...]:
    """The processes that lead a session of their own and were started with these very arguments in a row.

    Anybody can do that: only one of these accounts counts, and in this network namespace, not one of a container.
    """
    found = []
    for one in psutil.process_iter(["pid", "cmdline"]):
        pid, words = one.info["pid"], one.info["cmdline"] or []
        if _in_a_row(arguments, words) and session(pid) == pid and belongs(pid, accounts) and _is_in_our_network(pid):
            found.append(identity(pid))
    return tuple(one for one in found if one)


def belongs(pid: int, accounts: frozenset[int]) -> bool:
    """Its user IDs, the real one too, are among these: a set-user-ID program was still started by a stranger.

    As /proc/PID/status has them: the files in /proc may be root's where the process is not (proc(5), dumpable).
    """
    try:
        return set(psutil.Process(pid).uids()) <= accounts
    except psutil.Error:
        return False  # it is gone, or hidden


def _is_in_our_network(pid: int) -> bool:
    """By a file of the namespace's own (proc_pid_net(5)): for ns/net one must be allowed to trace the process."""
    try:
        return Path(f"/proc/{pid}/net/dev").samefile("/proc/thread-self/net/dev")
    except OSError:
        return False  # it is gone


def _in_a_row(arguments: list[str], words: list[str]) -> bool:
    count = len(arguments)
    return any(words[at : at + count] == arguments for at in range(len(words) - count + 1))


def family(pid: int) -> frozenset[int]:
    """The process and everything below it."""
    try:
        root = psutil.Process(pid)
        return frozenset({pid, *(child.pid for child in root.children(recursive=True))})
    except psutil.NoSuchProcess:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody listening on a TCP port; `pid` is None where the kernel does not tell."""

    address: IPv4Address | IPv6Address
    port: int
    pid: int | None
    name: str


def listeners(ports: frozenset[int], likely: frozenset[int] = frozenset()) -> tuple[Listener, ...]:
    """Who listens on these TCP ports in this network namespace; the likely processes are asked first.

    Raises HalbdError.
    """
    found = {inode: at for inode, at in sock_diag.listening().items() if at[1] in ports}
    order = sorted(pids(), key=lambda pid: pid not in likely)
    whose = ask.holders(found, order, ask.AT_LEISURE) if found else {}
    holders = ((at, whose.get(inode)) for inode, at in found.items())
    return tuple(Listener(address, port, pid, _name(pid)) for (address, port), pid in holders)


def pids() -> list[int]:
    """Every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  # names, not paths


def session(pid: int) -> int | None:
    """The session that the process is in (setsid(2)); None where it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _name(pid: int | None) -> str:
    try:
        return psutil.Process(pid).name() if pid else "a process that is not visible here"
    except psutil.NoSuchProcess:
        return "a process that has just ended"


def up() -> dict[str, bool]:
    """Every interface in this network namespace: whether it is up and has a carrier (IFF_RUNNING, netdevice(7))."""
    return {name: one.isup for name, one in psutil.net_if_stats().items()}


def interfaces() -> tuple[tuple[str, str], ...]:
    """Every interface address in this network namespace, as (interface, "address/mask")."""
    return tuple(
        (name, f"{one.address.partition('%')[0]}/{int(ip_address(one.netmask)).bit_count()}")
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if one.family in (socket.AF_INET, socket.AF_INET6) and one.netmask
    )
