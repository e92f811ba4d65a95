"""How soon both ends of silent connections learn that a VIP has moved: `python -m halbd.lab.bench_parting`, as root.

Four moves away from a holder that lives on: its proxy hangs; the preferred node is well again and takes the VIP back;
the holder is drained; it is stopped. Prints one JSON object: least, median and greatest milliseconds since the VIP
left, and how many of the connections did not learn of it; and of the new ones around it those that failed: number,
least, greatest ms. `--daemon` is for another halbd to compare with; `--proxy` as for `halbctl lab`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from halbd.lab import bench, document, namespaces, reloading, traffic
from halbd.lab.errors import LabError
from halbd.lab.faults.base import Stage
from halbd.lab.faults.reloading import halbctl
from halbd.lab.lab import Lab, Settings
from halbd.lab.session import Rehearsal, daemon, prepare
from halbd.model.config import ProxyKind
from halbd.system import process

COUNT = 20
RATE = 50
"""New connections each second, beside the silent ones."""
AROUND = 1.0
"""Seconds before and after the move, of which the new connections count."""
SETTLED = 2.5
"""Seconds in which the proxy has connected each of them to a server."""
MOVED = 40.0
"""Seconds for the VIP to move."""


def main() -> int:
    """Build the lab, measure, take it down."""
    parser = argparse.ArgumentParser(prog="halbd.lab.bench_parting", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/halbd.yaml"))
    parser.add_argument("--proxy", choices=[kind.value for kind in ProxyKind])
    parser.add_argument("--daemon", nargs=1, default=daemon(), help="the program to measure")
    parser.add_argument("--patience", type=float, default=6, help="seconds to wait for those that do not learn of it")
    arguments = parser.parse_args()
    rehearsal = prepare(arguments.config.read_bytes(), arguments.config.parent, (), arguments.proxy)
    if not isinstance(rehearsal, Rehearsal):
        sys.stderr.write("".join(f"{problem}\n" for problem in rehearsal))
        return 2
    said = asyncio.run(_bench(rehearsal, tuple(arguments.daemon), arguments.patience))
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    return 0


async def _bench(rehearsal: Rehearsal, command: tuple[str, ...], patience: float) -> dict[str, Any]:
    async with Lab(rehearsal.plan, rehearsal.authority, Settings(command, rate=RATE), lambda _: None) as lab:
        if complaints := await lab.steady():
            raise LabError(f"cannot measure: {'; '.join(complaints)}")
        servers = Servers(lab)
        await servers.follow()
        stopped = await _proxy(lab)
        said = {"proxy hangs": await _move(lab, servers, lambda: _signal(lab, stopped, signal.SIGSTOP), patience)}
        back = lambda: _signal(lab, stopped, signal.SIGCONT)  # noqa: E731  # the same to the same processes
        said["taken back"] = await _move(lab, servers, back, patience)
        await lab.steady()
        node = reloading.holder(lab)
        said["drained"] = await _move(lab, servers, lambda: lab.tasks.begin(_verb(lab, node, "drain")), patience)
        await _verb(lab, node, "undrain")
        await lab.steady()
        leaving = (reloading.holder(lab), (bench.daemon_pid(lab),))
        said["stopped"] = await _move(lab, servers, lambda: _signal(lab, leaving, signal.SIGTERM), patience)
        return said


async def _proxy(lab: Lab) -> tuple[str, tuple[int, ...]]:
    """The holder, and all of its proxy's processes, the one that starts the others first."""
    node = reloading.holder(lab)
    pid = ((await lab.statuses())[node] or {})["proxy"]["pid"]
    return node, (pid, *(process.family(pid) - {pid}))


async def _verb(lab: Lab, node: str, verb: str) -> None:
    code, said = await halbctl(Stage(lab, node, None), verb)
    if code != 0:
        raise LabError(f"cannot measure: halbctl {verb} ended with {code}: {said}")


def _signal(lab: Lab, whom: tuple[str, Iterable[int]], number: signal.Signals) -> None:
    for pid in whom[1]:
        lab.signal(whom[0], pid, number)


class Servers:
    """Who is connected to any of the stand-ins, as their kernels have it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._now: dict[str, set[str]] = {}
        self.gone: dict[str, float] = {}

    async def follow(self) -> None:
        """Begin to look."""
        for server in self._lab.plan.servers:
            words = (sys.executable, "-P", "-m", "halbd.lab.silent", "--server", str(server.address))
            reader = await self._lab.tasks.lines(
                *namespaces.inside(self._lab.network.namespace(server.machine)), *words
            )
            self._lab.tasks.begin(self._read(server.machine, reader))

    async def _read(self, server: str, reader: asyncio.StreamReader) -> None:
        while text := await reader.readline():
            said = json.loads(text)
            now = set(said["peers"])
            self.gone |= dict.fromkeys(self._now.get(server, set()) - now, said["at"])
            self._now[server] = now

    @property
    def peers(self) -> set[str]:
        """All of them, now."""
        return set().union(*self._now.values())


async def _move(lab: Lab, servers: Servers, trigger: Callable[[], None], patience: float) -> dict[str, Any]:
    """Open silent connections, have the VIP moved, and see when each end learned of it."""
    vip, before = lab.plan.targets[0].vip, servers.peers
    holder = reloading.holder(lab)
    words = [sys.executable, "-P", "-m", "halbd.lab.silent", traffic.url(lab.plan.targets[0]), "--count", str(COUNT)]
    words += ["--ca", str(lab.folder.path / document.CA_FILE)]
    reader = await lab.tasks.lines(*namespaces.inside(lab.network.namespace(lab.plan.client.name)), *words)
    await reader.readline()
    await asyncio.sleep(SETTLED)
    carried = servers.peers - before
    await asyncio.sleep(SETTLED / 5)
    carried &= servers.peers  # a check's connection lives for milliseconds
    lab.holders.forget()
    began = time.monotonic()
    trigger()
    await lab.holders.until(lambda: holder not in lab.holders.current[vip], MOVED)
    left = next(one.at for one in lab.holders.changes if one.vip == vip and one.node == holder and not one.gained)
    await asyncio.sleep(patience)
    said = await _all(reader)
    released = [
        gone - left for one in carried if (gone := servers.gone.get(one, 0.0)) > began
    ]  # a port may be used again
    return {
        "vip_left": round(1000 * (left - began)),
        "clients_learned": _summary([one["broken"] - left for one in said if "broken" in one], COUNT),
        "clients_served_again": _summary([one["again"] - left for one in said if "again" in one], COUNT),
        "servers_released": _summary(released, len(carried)),
        "begun_then": _begun(lab, left),
    }


def _begun(lab: Lab, left: float) -> dict[str, object]:
    """The new connections around the move: how many, and of those that failed what they saw, after how many ms."""
    then = [one for one in lab.traffic.attempts if abs(one.start - left) < AROUND]
    failed: dict[str, list[int]] = {}
    for one in then:
        if one.error:
            failed.setdefault(one.error, []).append(round(1000 * (one.end - one.start)))
    return {"connections": len(then), "failed": {how: [len(ms), min(ms), max(ms)] for how, ms in failed.items()}}


async def _all(reader: asyncio.StreamReader) -> list[dict[str, float]]:
    """What has been said so far."""
    said = []
    while True:
        try:
            async with asyncio.timeout(0.2):
                said.append(json.loads(await reader.readline()))
        except TimeoutError:
            return said


def _summary(seconds: list[float], of: int) -> dict[str, object]:
    times = [1000 * one for one in seconds]
    three = [min(times), statistics.median(times), max(times)] if times else []
    return {"ms": [round(one, 1) for one in three], "never": of - len(times)}


if __name__ == "__main__":
    raise SystemExit(main())
