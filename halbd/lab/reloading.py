"""What reloads of the holder do to connections, to the proxy and to a frontend that comes and goes. For the bench."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from halbd.lab import document, namespaces, traffic
from halbd.lab.errors import LabError
from halbd.lab.lab import Lab

RELOADS = 10
PAUSE = 1.5
LOAD = ("--rate", "100", "--watches", "50", "--summary")
KNOCK = ("--rate", "50", "--watches", "0")
IN_A_ROW = 5
"""Connections that must end alike before a frontend counts as there, or as gone."""
PATIENCE = 30.0
"""Seconds for that."""

Frontends = list[dict[str, Any]]


async def ways_to_balance(lab: Lab) -> dict[str, Any]:
    """RELOADS times another way to balance: with either proxy more than a change of servers."""
    ways = ("leastconn", "roundrobin")
    asked = [[one | {"balance": ways[number % 2]} for one in _frontends(lab)] for number in range(RELOADS)]
    client = await _load(lab)
    return {"reloads": [await _reload(lab, frontends, PAUSE) for frontends in asked], "client": await _counts(client)}


async def change_servers(lab: Lab, count: int) -> dict[str, Any]:
    """So many times the last server goes or comes back."""
    first, *others = _frontends(lab)
    without = first | {"servers": first["servers"][:-1]}
    asked: list[Frontends] = [[(without, first)[number % 2], *others] for number in range(count)]
    before, client = await proxy(lab), await _load(lab)
    said = _summary([await _reload(lab, frontends, 0) for frontends in asked])
    return said | {"client": await _counts(client), "proxy_before": before, "proxy_after": await proxy(lab)}


async def add_and_remove(lab: Lab, count: int) -> dict[str, Any]:
    """So many times a frontend on the port above the first one's is added or removed; each time seen from a client."""
    usual = _frontends(lab)
    more = [*usual, usual[0] | {"name": "another", "port": lab.plan.targets[0].port + 1}]
    before, client = await proxy(lab), await _load(lab)
    knocking = await _Knocking.start(lab)
    reloads = list[dict[str, Any]]()
    there, gone = list[float](), list[float]()
    for number in range(count):
        added = number % 2 == 0
        reloads.append(await _reload(lab, more if added else usual, 0))
        (there if added else gone).append(await knocking.until("" if added else "refused"))
    knocking.stop()
    seen = {"added_serves_after_s": _spread(there), "removed_refuses_after_s": _spread(gone)}
    ends = {"client": await _counts(client), "proxy_before": before, "proxy_after": await proxy(lab)}
    return _summary(reloads) | seen | ends


class _Knocking:
    """A client that begins connections to the other port all the time, whether anybody listens there or not."""

    def __init__(self, records: asyncio.StreamReader, stop: Any) -> None:
        self._records, self.stop = records, stop

    @classmethod
    async def start(cls, lab: Lab) -> _Knocking:
        target = lab.plan.targets[0]
        program = await _client(lab, traffic.url(replace(target, port=target.port + 1)), *KNOCK)
        if program.stdout is None:
            raise LabError("cannot measure: the client was started without a pipe")
        return cls(program.stdout, program.terminate)

    async def until(self, error: str) -> float:
        """Seconds from now to the begin of IN_A_ROW connections that all end so. Raises LabError."""
        asked, row = time.monotonic(), list[float]()
        try:
            async with asyncio.timeout(PATIENCE):
                while len(row) < IN_A_ROW:
                    record = json.loads(await self._records.readline())
                    if record["start"] >= asked:
                        row = [*row, record["start"]] if record["error"] == error else []
        except TimeoutError as problem:
            raise LabError(f"cannot go on: no connection ends with {error or 'a good answer'!r}") from problem
        return row[0] - asked


def _frontends(lab: Lab) -> Frontends:
    return list((document.load(lab.plan.text) or {})["frontends"])


async def _load(lab: Lab) -> asyncio.subprocess.Process:
    """New connections and watches on the first VIP; returns once they run."""
    client = await _client(lab, traffic.url(lab.plan.targets[0]), *LOAD)
    await asyncio.sleep(PAUSE)
    return client


async def _client(lab: Lab, *options: str) -> asyncio.subprocess.Process:
    words = [sys.executable, "-P", "-m", "halbd.lab.client", *options, "--ca", str(lab.folder.path / document.CA_FILE)]
    return await lab.tasks.start(*namespaces.inside(lab.network.namespace(lab.plan.client.name)), *words)


async def _counts(client: asyncio.subprocess.Process) -> Any:
    await asyncio.sleep(PAUSE)
    client.terminate()
    said = await client.stdout.read() if client.stdout else b"{}"
    return json.loads(said.splitlines()[-1])


async def _reload(lab: Lab, frontends: Frontends, pause: float) -> dict[str, Any]:
    """The holder with these frontends: halbctl's exit code, and how long it took."""
    node = holder(lab)
    written = (document.load(lab.plan.text) or {}) | {"frontends": frontends}
    lab.paths(node).config_file.write_text(yaml.safe_dump(written, sort_keys=False))
    began = time.monotonic()
    command = [str(Path(sys.executable).with_name("halbctl")), "reload", "--socket", str(lab.paths(node).socket)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    done = {"exit": await process.wait(), "seconds": round(time.monotonic() - began, 3)}
    await asyncio.sleep(pause)
    return done


def _summary(reloads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    refused = sum(1 for one in reloads if one["exit"])
    return {"changes": len(reloads), "refused": refused, "seconds": _spread([one["seconds"] for one in reloads])}


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {"median": round(statistics.median(seconds), 3), "max": round(max(seconds), 3)}


def holder(lab: Lab) -> str:
    """The node that has the first VIP."""
    (_, nodes), *_ = lab.holders.snapshot()
    return nodes[0]


async def proxy(lab: Lab) -> dict[str, float]:
    """The holder's proxy: which process, and its memory."""
    status = (await lab.statuses())[holder(lab)] or {}
    pid = status["proxy"]["pid"]
    return {"pid": pid, "rss_mb": round(rss_kib(pid) / 1024, 1)}


def rss_kib(pid: int) -> int:
    """Resident memory of a process (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
