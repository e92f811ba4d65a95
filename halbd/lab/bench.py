"""The numbers of docs/performance.md that no fault shows: `python -m halbd.lab.bench [--config FILE]`, as root.

What halbd-check and halbctl cost, side by side with what they are held against; what the daemon takes as an idle
holder; and what a reload does to connections. Prints one JSON object. With `--changes N` instead only what N changes of
the server list in a row do to connections and to the proxy; with `--frontends N`, a frontend that is added or removed N
times; `--proxy` is as for `halbctl lab`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halbd.lab import namespaces, reloading
from halbd.lab.errors import LabError
from halbd.lab.lab import Lab, Settings
from halbd.lab.session import Rehearsal, daemon, prepare
from halbd.model.config import ProxyKind

RUNS = 50
IDLE = 30.0


def main() -> int:
    """Build the lab, measure, take it down."""
    parser = argparse.ArgumentParser(prog="halbd.lab.bench", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/halbd.yaml"))
    parser.add_argument("--proxy", choices=[kind.value for kind in ProxyKind])
    parser.add_argument("--changes", type=int, default=0)
    parser.add_argument("--frontends", type=int, default=0)
    arguments = parser.parse_args()
    rehearsal = prepare(arguments.config.read_bytes(), arguments.config.parent, (), arguments.proxy)
    if not isinstance(rehearsal, Rehearsal):
        sys.stderr.write("".join(f"{problem}\n" for problem in rehearsal))
        return 2
    sys.stdout.write(json.dumps(asyncio.run(_bench(rehearsal, arguments)), indent=2) + "\n")
    return 0


async def _bench(rehearsal: Rehearsal, arguments: argparse.Namespace) -> dict[str, Any]:
    # A rate of one connection a second: enough to know that the lab is steady, little enough to call it idle.
    settings = Settings(daemon(), rate=1)
    async with Lab(rehearsal.plan, rehearsal.authority, settings, _tell) as lab:
        if complaints := await lab.steady():
            raise LabError(f"cannot measure: {'; '.join(complaints)}")
        if arguments.changes:
            return {"changes": await reloading.change_servers(lab, arguments.changes)}
        if arguments.frontends:
            return {"frontends": await reloading.add_and_remove(lab, arguments.frontends)}
        idle = await _idle(lab)
        return {"idle": idle, "commands": _commands(lab), "reload": await reloading.ways_to_balance(lab)}


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")


async def _idle(lab: Lab) -> dict[str, float]:
    """Memory and CPU of the holder's daemon over a quiet while; its children are not counted."""
    pid = daemon_pid(lab)
    before, began = _cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(IDLE)
    percent = 100 * (_cpu_seconds(pid) - before) / (time.monotonic() - began)
    return {"rss_mb": round(reloading.rss_kib(pid) / 1024, 1), "cpu_percent": round(percent, 2)}


def daemon_pid(lab: Lab) -> int:
    """The process that holds the lock on the runtime folder (proc_locks(5))."""
    inode = (lab.paths(reloading.holder(lab)).runtime / "halbd.lock").stat().st_ino
    rows = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return next(int(row[4]) for row in rows if row[1] == "FLOCK" and row[5].endswith(f":{inode}"))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _commands(lab: Lab) -> dict[str, Any]:
    """Each command in turn, round after round, so that a machine that grows busy slows all of them."""
    node = reloading.holder(lab)
    socket = str(lab.paths(node).socket)
    check = str(Path(__file__).parents[1] / "cli" / "check.py")
    beside = Path(sys.executable)
    port = lab.plan.config.frontends[0].port
    commands: dict[str, list[str]] = {
        "python3 -I -S -c pass": ["/usr/bin/python3", "-I", "-S", "-c", "pass"],
        "halbd-check": ["/usr/bin/python3", "-I", "-S", check, socket],
        "curl --insecure": ["curl", "-s", "-o", "/dev/null", "--insecure", f"https://127.0.0.1:{port}/healthz"],
        "halbctl status": [str(beside.with_name("halbctl")), "status", "--socket", socket],
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            taken[name].append(_time([*namespaces.inside(lab.network.namespace(node)), *command]))
    bare = [_time([*namespaces.inside(lab.network.namespace(node)), "/bin/true"]) for _ in range(RUNS)]
    entering = (statistics.median(w for w, _ in bare), statistics.median(c for _, c in bare))
    return {name: _summary(times, entering) for name, times in taken.items()}


def _time(command: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU (user and system) seconds of one command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(list(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _summary(times: list[tuple[float, float]], entering: tuple[float, float]) -> dict[str, object]:
    """Milliseconds, less what `ip netns exec /bin/true` takes."""
    walls = [1000 * (wall - entering[0]) for wall, _ in times]
    cpus = [1000 * (cpu - entering[1]) for _, cpu in times]
    quartiles = statistics.quantiles(walls, n=4)
    return {
        "wall_ms_median": round(statistics.median(walls), 2),
        "wall_ms_quartiles": [round(quartiles[0], 2), round(quartiles[2], 2)],
        "cpu_ms_mean": round(statistics.fmean(cpus), 2),
    }


if __name__ == "__main__":
    raise SystemExit(main())
