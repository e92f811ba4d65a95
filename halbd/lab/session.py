"""One whole `halbctl lab`: plan, build, play every fault as often as asked, report. What the verb calls."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from halbd.lab import document, record, traffic
from halbd.lab.certs import Authority
from halbd.lab.display import Display
from halbd.lab.errors import LabError, UnreadyError
from halbd.lab.faults.base import Fault
from halbd.lab.lab import Lab, Settings
from halbd.lab.plan import Plan, plan
from halbd.lab.play import Run, play
from halbd.lab.report import Outcome, headline
from halbd.lab.world import World
from halbd.model.problem import Problem
from halbd.system.host import read_secret
from halbd.system.programs import find, proxy_account, proxy_binary

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `hold` is how long a lasting fault lasts, in seconds; `keep` leaves the lab up at the end."""

    faults: tuple[Fault, ...]
    repeat: int
    hold: float | None
    rate: float
    timeout: float
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A plan, and the CA that it is planned with."""

    plan: Plan
    authority: Authority


def prepare(
    text: bytes, folder: Path, settings: Sequence[tuple[str, str]], proxy: str | None = None
) -> Rehearsal | tuple[Problem, ...]:
    """What is to be built for a file that lies in `folder`, or what is wrong with the file.

    Raises:
        HalbdError: the file is right, but this machine cannot build it.
    """
    written = document.load(text)
    other = document.for_proxy(written, proxy) if written and proxy else ()
    authority = Authority()
    planned = plan(text, folder, read_secret, authority.pem, [*other, *settings])
    if not isinstance(planned, Plan):
        return planned
    check_machine(planned)
    return Rehearsal(planned, authority)


def check_machine(planned: Plan) -> None:
    """This machine has what the lab needs. Raises HalbdError."""
    if os.geteuid() != 0:
        raise LabError("cannot build the lab: it makes network namespaces, and that needs root; use sudo")
    for program in ("ip", "nft", "keepalived"):
        find(program)
    proxy_binary(planned.config.proxy)
    proxy_account(planned.config.proxy)


def daemon() -> tuple[str, ...]:
    """The command of the daemon: the one installed beside this interpreter, else on PATH. Raises LabError."""
    beside = Path(sys.executable).with_name("halbd")
    found = str(beside) if beside.exists() else shutil.which("halbd")
    if found is None:
        raise LabError("cannot find halbd: it is neither beside this Python nor on PATH")
    return (found,)


async def session(rehearsal: Rehearsal, order: Order, display: Display) -> tuple[Outcome, ...]:
    """Build the lab, play the faults, take it down. Raises LabError; asyncio.CancelledError after SIGINT or SIGTERM."""
    await begin(display.stage)
    settings = Settings(daemon(), order.rate, order.timeout)
    async with Lab(rehearsal.plan, rehearsal.authority, settings, display.stage) as lab:
        display.watch(lambda: (_holders(lab), _client(lab)))
        return await lab.tasks.guard(_play_all(lab, order, display))


async def begin(tell: Callable[[str], None]) -> None:
    """Be ready for signals, and clear away what crashed labs have left. Raises LabError."""
    _end_on_signals()
    removed, _ = await record.clean()
    if removed:
        tell(f"removed what crashed labs had left: {', '.join(removed)}")


def _end_on_signals() -> None:
    """The first signal cancels; later ones change nothing, since the lab is being taken down by then."""
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    for number in ENDING:
        loop.add_signal_handler(number, lambda: me and not me.cancelling() and me.cancel())


async def _until_signal() -> None:
    """Nothing is left to interrupt: from here on a signal ends the wait, and the table is still printed."""
    stop = asyncio.Event()
    for number in ENDING:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


async def _play_all(lab: Lab, order: Order, display: Display) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    world, since = World(lab), ""
    for fault in order.faults:
        skipped = fault.impossible(lab.plan)
        unready = since and f"the world is not right since {since}"
        runs: list[Run] = []
        for number in range(0 if skipped or unready else order.repeat):
            display.fault(fault.name if order.repeat == 1 else f"{fault.name} {number + 1}/{order.repeat}")
            try:
                run = await play(lab, world, fault, order.hold, display.stage)
            except UnreadyError as error:
                if not outcomes:  # a repeat that cannot begin tells the same as a first play that cannot
                    raise
                unready, since = str(error), fault.name if runs else outcomes[-1].fault
                break
            runs.append(run)
            display.result("pass" if run.passed else "FAIL", headline(run))
        if skipped or unready:
            display.fault(fault.name)
            display.result("skipped" if skipped else "FAIL", skipped or unready)
        outcomes.append(Outcome(fault.name, fault.summary, tuple(runs), skipped, "" if skipped else unready))
    if order.keep:
        display.stage(f"the lab stays up until Ctrl-C; look around with {_look_around(lab)}")
        await _until_signal()
    return tuple(outcomes)


def _look_around(lab: Lab) -> str:
    node = lab.plan.nodes[0].name
    socket = lab.paths(node).socket
    return f"`ip netns exec {lab.network.namespace(node)} bash`, or `halbctl status --socket {socket}`"


def _holders(lab: Lab) -> str:
    return "   ".join(f"{vip} on {' and '.join(nodes) or 'no node'}" for vip, nodes in lab.holders.snapshot())


def _client(lab: Lab) -> str:
    good, bad = lab.traffic.counts()
    return f"client at {traffic.url(lab.plan.targets[0])}: {good} connections served, {bad} failed or slow"
