"""The numbers of docs/performance.md that no fault shows: `python -m halbd.lab.bench [--config FILE]`, as root.

What halbd-check and halbctl cost, side by side with what they are held against; what the daemon takes as an idle
holder; and what a reload does to connections. Prints one JSON object. With `--changes N` instead only what N changes of
the server list in a row do to connections and to the proxy; `--proxy` is as for `halbctl lab`.
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

import yaml

from halbd.lab import document, namespaces, traffic
from halbd.lab.errors import LabError
from halbd.lab.lab import Lab, Settings
from halbd.lab.plan import Plan
from halbd.lab.session import Rehearsal, daemon, prepare
from halbd.model.config import ProxyKind

RUNS = 50
IDLE = 30.0
RELOADS = 10
RELOAD_PAUSE = 1.5
LOAD = ("--rate", "100", "--watches", "50", "--summary")


def main() -> int:
    """Build the lab, measure, take it down."""
    parser = argparse.ArgumentParser(prog="halbd.lab.bench", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config/halbd.yaml"))
    parser.add_argument("--proxy", choices=[kind.value for kind in ProxyKind])
    parser.add_argument("--changes", type=int, default=0)
    arguments = parser.parse_args()
    rehearsal = prepare(arguments.config.read_bytes(), arguments.config.parent, (), arguments.proxy)
    if not isinstance(rehearsal, Rehearsal):
        sys.stderr.write("".join(f"{problem}\n" for problem in rehearsal))
        return 2
    sys.stdout.write(json.dumps(asyncio.run(_bench(rehearsal, arguments.changes)), indent=2) + "\n")
    return 0


async def _bench(rehearsal: Rehearsal, changes: int) -> dict[str, Any]:
    # A rate of one connection a second: enough to know that the lab is steady, little enough to call it idle.
    settings = Settings(daemon(), rate=1)
    async with Lab(rehearsal.plan, rehearsal.authority, settings, _tell) as lab:
        if complaints := await lab.steady():
            raise LabError(f"cannot measure: {'; '.join(complaints)}")
        if changes:
            return {"changes": await _change_servers(lab, changes)}
        idle = await _idle(lab)
        return {"idle": idle, "commands": _commands(lab), "reload": await _reload(lab)}


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")


async def _idle(lab: Lab) -> dict[str, float]:
    """Memory and CPU of the holder's daemon over a quiet while; its children are not counted."""
    pid = _daemon(lab)
    before, began = _cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(IDLE)
    percent = 100 * (_cpu_seconds(pid) - before) / (time.monotonic() - began)
    return {"rss_mb": round(_rss_kib(pid) / 1024, 1), "cpu_percent": round(percent, 2)}


def _daemon(lab: Lab) -> int:
    """The process that holds the lock on the runtime folder (proc_locks(5))."""
    inode = (lab.paths(_holder(lab)).runtime / "halbd.lock").stat().st_ino
    rows = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return next(int(row[4]) for row in rows if row[1] == "FLOCK" and row[5].endswith(f":{inode}"))


def _holder(lab: Lab) -> str:
    (_, nodes), *_ = lab.holders.snapshot()
    return nodes[0]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _commands(lab: Lab) -> dict[str, Any]:
    """Each command in turn, round after round, so that a machine that grows busy slows all of them."""
    node = _holder(lab)
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


async def _reload(lab: Lab) -> dict[str, Any]:
    """RELOADS times another way to balance: with either proxy more than a change of servers."""
    ways = ("leastconn", "roundrobin")
    return await _reloads(lab, [{"balance": ways[number % 2]} for number in range(RELOADS)], RELOAD_PAUSE)


async def _change_servers(lab: Lab, count: int) -> dict[str, Any]:
    """So many times the last server goes or comes back; and what that does to the proxy itself."""
    before = await _proxy(lab)
    servers = (document.load(lab.plan.text) or {})["frontends"][0]["servers"]
    said = await _reloads(lab, [{"servers": (servers[:-1], servers)[number % 2]} for number in range(count)], 0)
    reloads = said.pop("reloads")
    seconds = sorted(one["seconds"] for one in reloads)
    summary = {
        "changes": count,
        "refused": sum(1 for one in reloads if one["exit"]),
        "seconds_median": statistics.median(seconds),
        "seconds_max": seconds[-1],
    }
    return summary | said | {"proxy_before": before, "proxy_after": await _proxy(lab)}


async def _proxy(lab: Lab) -> dict[str, float]:
    """The holder's proxy: which process, and its memory."""
    status = (await lab.statuses())[_holder(lab)] or {}
    pid = status["proxy"]["pid"]
    return {"pid": pid, "rss_mb": round(_rss_kib(pid) / 1024, 1)}


async def _reloads(lab: Lab, changes: Sequence[dict[str, Any]], pause: float) -> dict[str, Any]:
    """One changed config after another on the holder, with connections and watches running."""
    node, plan = _holder(lab), lab.plan
    words = [sys.executable, "-P", "-m", "halbd.lab.client", traffic.url(plan.targets[0])]
    words += ["--ca", str(lab.folder.path / document.CA_FILE), *LOAD]
    client = await lab.tasks.start(*namespaces.inside(lab.network.namespace(plan.client.name)), *words)
    await asyncio.sleep(RELOAD_PAUSE)
    reloads = []
    for change in changes:
        _write_config(lab, node, plan, change)
        began = time.monotonic()
        code = await _halbctl_reload(lab, node)
        reloads.append({"exit": code, "seconds": round(time.monotonic() - began, 3)})
        await asyncio.sleep(pause)
    await asyncio.sleep(RELOAD_PAUSE)
    client.terminate()
    said = await client.stdout.read() if client.stdout else b"{}"
    return {"reloads": reloads, "client": json.loads(said.splitlines()[-1])}


def _write_config(lab: Lab, node: str, plan: Plan, change: dict[str, Any]) -> None:
    """The file with this change to every frontend."""
    written = document.load(plan.text) or {}
    for frontend in written["frontends"]:
        frontend.update(change)
    lab.paths(node).config_file.write_text(yaml.safe_dump(written, sort_keys=False))


async def _halbctl_reload(lab: Lab, node: str) -> int:
    command = [str(Path(sys.executable).with_name("halbctl")), "reload", "--socket", str(lab.paths(node).socket)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    return await process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
