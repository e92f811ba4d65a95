"""What /proc tells of a keepalived that runs: whether its processes are stopped, and whether it reads its sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from halbd.model.errors import FailedError
from halbd.model.guard import Sign
from halbd.system.helper import ask
from halbd.system.helper.packets import VRRP

TABLES = (Path("/proc/thread-self/net/raw"), Path("/proc/thread-self/net/raw6"))
"""The raw sockets of this network namespace (proc_pid_net(5)); where a port would be, they have the protocol."""
NETLINK = Path("/proc/thread-self/net/netlink")
"""The netlink sockets of this network namespace, with their ports."""


def look(pid: int, address: IPv4Address | IPv6Address, track: Path) -> tuple[frozenset[Sign], int]:
    """What is odd about the keepalived with this parent, on a node with this address; octets that it has not read.

    `track` is the folder of the track files, which it is to watch.

    Raises:
        OSError: it is gone.
        FailedError: the helper does not answer.
    """
    family = (pid, *_children(pid))
    if any(_stopped(one) for one in family):
        return frozenset({Sign.STOPPED}), 0
    deaf = frozenset({Sign.DEAF} if _deaf(family, track) else ())
    sockets = _vrrp_sockets()
    if sockets is None:
        return deaf, 0
    own = ask.holders(sockets, family, ask.LATER) if _odd(sockets) else sockets
    if unread := sum(sockets[inode] for inode in own):
        return deaf | {Sign.UNREAD}, unread
    return deaf | ({Sign.NO_SOCKET} if not own and _is_here(address) else set()), 0


def has_port(pid: int, port: int) -> bool | None:
    """Whether a netlink port is that of the keepalived with this parent; None where it cannot be told."""
    family = (pid, *_children(pid))
    try:
        rows = [line.split() for line in NETLINK.read_text().splitlines()[1:]]
        with_port = {int(row[9]): int(row[2]) for row in rows}
        own = ask.holders(with_port, family, ask.INSTANT)
    except (OSError, FailedError):
        return None
    return any(with_port[inode] == port for inode in own) if own else None


def _children(pid: int) -> tuple[int, ...]:
    """proc_pid_task(5): with CONFIG_PROC_CHILDREN, which distributions set; else nobody is seen but the parent."""
    try:
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return ()


def _stopped(pid: int) -> bool:
    """State T (proc_pid_stat(5)): by a signal. One that a debugger holds has a small t, and is the debugger's."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")") + 2] == "T"


def _deaf(family: Iterable[int], track: Path) -> bool:
    """None of them watches the folder that has that name now: it was removed and made again (inotify(7), IN_IGNORED).

    Where that cannot be told, or there is no such folder, that is no evidence. Raises FailedError.
    """
    watched = ask.watched(family, ask.LATER)
    try:
        return watched is not None and track.stat().st_ino not in watched
    except OSError:
        return False


def _vrrp_sockets() -> dict[int, int] | None:
    """The VRRP sockets in this namespace: inode, and octets that wait to be read. None where it cannot be told."""
    found = {}
    for table in TABLES:
        try:
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
        except FileNotFoundError:
            continue  # no IPv6 here
        except OSError:
            return None
        for row in rows:
            if int(row[1].rpartition(":")[2], 16) == VRRP:
                found[int(row[9])] = int(row[4].rpartition(":")[2], 16)
    return found


def _odd(sockets: dict[int, int]) -> bool:
    """Whose they are takes long to tell, and matters only then."""
    return not sockets or any(sockets.values())


def _is_here(address: IPv4Address | IPv6Address) -> bool:
    """The address is usable on this machine: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        try:
            one.bind((str(address), 0))
        except OSError:
            return False
    return True
