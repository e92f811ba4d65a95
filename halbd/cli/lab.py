"""halbctl lab: rehearse this config on one machine, fault by fault."""

# What a verb needs it imports in run(), so that no other verb waits for it:
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from halbd.cli.options import Subparsers, paths, verb
from halbd.cli.out import complain, say, say_json

if TYPE_CHECKING:
    from halbd.lab.faults.base import Fault
    from halbd.lab.session import Rehearsal

INTERRUPTED = 130  # 128 + SIGINT, as shells have it

MORE = """\
faults, in the order in which they are played; without --fault:
{demo}
by their names, or with --fault all:
{more}
What must hold in each is in docs/lab.md.

It needs root, touches nothing outside its own network namespaces, and removes them at the end, also after
Ctrl-C. What a lab that was killed has left is removed when the next one starts, or by --cleanup.

exit codes: 0 all as expected, 1 something was not, 2 usage or bad config
"""
# Written out here, since naming them must not load the lab; tests hold it against the catalogue.
DEMO = (
    "proxy-kill",
    "proxy-hang",
    "node-death",
    "server-death",
    "server-poweroff",
    "all-servers-down",
    "servers-lost-here",
    "vrrp-blocked",
)
NAMES = (
    *DEMO,
    "halbd-kill",
    "halbd-hang",
    "stop",
    "bad-config",
    "port-taken",
    "servers-rejected",
    "server-renumbered",
    "start-fails",
    "config-removed",
    "state-full",
    "state-readonly",
    "state-removed",
    "adverts-dropped",
    "link-flap",
    "upgrade",
    "keepalived-kill",
    "keepalived-hang",
    "keepalived-kills",
    "vip-deleted",
    "vip-added",
    "vip-added-elsewhere",
    "drain",
    "drain-for",
    "drain-refused",
    "drain-force",
    "drain-restart",
    "drain-reboot",
    "proxy-crash-loop",
    "runtime-removed",
    "netlink-overrun",
    "clock-jump",
    "proxy-oom",
    "halbd-oom",
    "keepalived-oom",
)
ALL = "all"


def add(subparsers: Subparsers) -> None:
    """Add the verb."""
    more = MORE.format(demo=_listed(DEMO), more=_listed(NAMES[len(DEMO) :]))
    parser = verb(subparsers, "lab", "build all nodes of a config on this machine and play faults", more)
    parser.add_argument("--config", metavar="FILE", type=Path, default=paths().config_file, help="default: %(default)s")
    parser.add_argument("--fault", metavar="NAME", nargs="+", action="extend", choices=(*NAMES, ALL), help="see below")
    parser.add_argument("--repeat", metavar="N", type=_count, default=1, help="play each fault N times")
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], type=_setting, help="change a value of the file"
    )
    parser.add_argument("--proxy", choices=("haproxy", "envoy"), help="this proxy instead of the file's")
    parser.add_argument(
        "--hold", metavar="S", type=_seconds, help="how long a fault lasts that does so; default: its own time"
    )
    parser.add_argument(
        "--rate", metavar="N", type=_seconds, default=100, help="new connections per second to each VIP; default: 100"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=_seconds, default=2, help="of one connection; default: %(default)s s"
    )
    parser.add_argument("--chaos", metavar="MINUTES", type=_seconds, help="play random faults, also two at a time")
    parser.add_argument("--seed", metavar="N", type=int, help="of --chaos: the same seed gives the same faults")
    parser.add_argument("--from", metavar="K", type=_count, default=1, dest="first", help="begin with round K")
    parser.add_argument("--keep-going", action="store_true", help="of --chaos: do not stop at what is wrong")
    parser.add_argument("--keep", action="store_true", help="leave the lab up at the end, until Ctrl-C")
    parser.add_argument("--cleanup", action="store_true", help="only remove what killed labs have left")


def _listed(names: tuple[str, ...]) -> str:
    return "\n".join(
        textwrap.wrap(", ".join(names), 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text} is not KEY=VALUE, such as vrrp.advert_int=0.1")
    return key, value


def run(arguments: argparse.Namespace) -> int:
    """Rehearse. Raises HalbdError."""
    try:
        return _cleanup() if arguments.cleanup else _rehearse(arguments)
    except ModuleNotFoundError as error:
        if error.name not in ("cryptography", "rich"):
            raise
        complain(f"halbctl: cannot run the lab: the Python package {error.name} is missing; install halbd[lab]")
        return 1


def _cleanup() -> int:
    import asyncio

    from halbd.lab import record

    removed, running = asyncio.run(record.clean())
    say(f"removed: {', '.join(removed) or 'nothing'}")
    if running:
        say(f"left alone, since they run: {', '.join(running)}")
    return 0


def _rehearse(arguments: argparse.Namespace) -> int:
    from halbd.cli.loading import reject
    from halbd.lab.session import prepare
    from halbd.model.problem import Problem

    file: Path = arguments.config
    try:
        text = file.read_bytes()
    except OSError as error:
        return reject(file, (Problem(0, "", f"cannot read it: {error.strerror}", "name the file with --config FILE"),))
    prepared = prepare(text, file.resolve().parent, arguments.set, arguments.proxy)
    if isinstance(prepared, tuple):
        return reject(file, prepared)
    return _play(arguments, prepared) if arguments.chaos is None else _play_chaos(arguments, prepared)


def _play(arguments: argparse.Namespace, rehearsal: Rehearsal) -> int:
    import asyncio
    import sys

    from halbd.lab.display import display
    from halbd.lab.report import table, to_json
    from halbd.lab.session import Order, session

    order = Order(
        _faults(arguments.fault), arguments.repeat, arguments.hold, arguments.rate, arguments.timeout, arguments.keep
    )
    try:
        with display(sys.stderr if arguments.json else sys.stdout) as progress:
            outcomes = asyncio.run(session(rehearsal, order, progress))
    except asyncio.CancelledError:
        complain("halbctl: interrupted; the lab is taken down")
        return INTERRUPTED
    if arguments.json:
        say_json(to_json(rehearsal.plan, outcomes, str(arguments.config)))
    else:
        say(table(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _play_chaos(arguments: argparse.Namespace, rehearsal: Rehearsal) -> int:
    import asyncio
    import secrets
    import sys

    from halbd.lab.chaos import Chaos, chaos, to_json
    from halbd.lab.display import Lines

    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    faults = {"faults": _faults(arguments.fault)} if arguments.fault else {}
    order = Chaos(
        arguments.chaos, seed, arguments.first, arguments.keep_going, arguments.rate, arguments.timeout, **faults
    )
    display = Lines(sys.stderr if arguments.json else sys.stdout)
    display.fault("chaos")
    display.stage(f"seed {seed}")
    try:
        played = asyncio.run(chaos(rehearsal, order, display.stage))
    except asyncio.CancelledError:
        complain("halbctl: interrupted; the lab is taken down")
        return INTERRUPTED
    wrong = [one.round.number for one in played if one.wrong]
    if arguments.json:
        say_json(to_json(order, played))
    elif wrong:
        say(f"{len(played)} rounds, wrong: {', '.join(map(str, wrong))}; again with --seed {seed} --from {wrong[0]}")
    else:
        say(f"{len(played)} rounds, all right again after each; seed {seed}")
    return 1 if wrong else 0


def _faults(names: list[str] | None) -> tuple[Fault, ...]:
    from halbd.lab.faults.catalog import DEMO, FAULTS

    if not names:
        return DEMO
    return tuple(fault for fault in FAULTS if fault.name in names or ALL in names)
