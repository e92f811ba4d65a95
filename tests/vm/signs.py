"""What the life of the pair is judged by: who holds the VIP, what a client saw, what is left on a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.vm.machine import Machine, eventually
from tests.vm.world import PORT, Move, Sight, World

Told = list[tuple[str, Sight]]
"""Events by their names, and what a client saw of each."""


def holder(pair: World) -> Machine:
    held = pair.holders()
    assert len(held) == 1, f"one holder, not {held}"
    return pair.machines[held[0]]


def settled(pair: World) -> bool:
    """Exactly one holds the VIP, and both daemons are healthy."""
    said = [machine.status() for machine in pair.machines.values()]
    return len(pair.holders()) == 1 and all(one and one["healthy"] for one in said)


def at_home(pair: World) -> bool:
    """As `settled`, and the VIP is where the file prefers it."""
    return pair.holders() == ["lb1"] and settled(pair)


@contextmanager
def seen_by_a_client(pair: World, name: str, told: Told) -> Iterator[list[Sight]]:
    """Everything in the block, and until the VIP is home again and well, with a client looking on."""
    eventually(lambda: at_home(pair), f"all is well before {name}", 60)
    with pair.client.watching() as seen:
        yield seen
        eventually(lambda: at_home(pair), f"all is well after {name}", 90)
    told.append((name, seen[0]))


def comes_home(pair: World, name: str, told: Told) -> None:
    """The holder that gave the VIP up gets it back."""
    with pair.client.watching() as seen:
        pair.machines["lb1"].run("systemctl", "start", "halbd")
        eventually(lambda: at_home(pair), name, 90)
    told.append((name, seen[0]))


def handed_over(seen: Sight, moves: list[Move], *, gone: bool = False) -> None:
    """No connection fails that begins once the VIP has left; who had begun earlier is told at once, and nobody hangs.

    That those are none is what the lab shows (docs/performance.md). They have some 50 ms to come to their end, which
    is plenty, but not where other work keeps the machine busy. A machine that is `gone` a moment later has no second
    word for a watch that did not hear the first one.
    """
    left = next(one.at for one in moves if one.machine == "lb1" and not one.came)
    assert [(begun - left, why) for begun, why in seen.failures if begun > left or why != "reset"] == []
    assert gone or seen.silent == 0


def left_running(machine: Machine) -> list[str]:
    """Proxies on halbd's files, and whoever listens on the frontend's port."""
    processes = [line for line in machine.run("ps", "-eo", "args").splitlines() if "/var/lib/halbd/" in line]
    return processes + machine.run("ss", "--no-header", "--listening", "--tcp", f"sport = :{PORT}").splitlines()


def unanswered(machine: Machine) -> list[str]:
    """What the daemon could not do for want of an answer or of a privilege, since the machine has been booted."""
    words = "halbd-helper.service does not answer", "not permitted", "ermission denied"
    lines = machine.run("journalctl", "--boot", "--unit=halbd", "--output=cat").splitlines()
    return [line for line in lines if any(word in line for word in words)]


def is_there(machine: Machine, file: str) -> bool:
    return machine.run("sh", "-c", f"test -e {file} && echo yes", check=False) == "yes\n"


def has_another_helper(machine: Machine, old: set[int]) -> bool:
    return machine.pid("halbd-helper") not in old
