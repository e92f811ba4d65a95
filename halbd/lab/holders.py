"""Who holds each VIP, told by the kernel of each node and not by any of the programs on it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from halbd.lab import namespaces
from halbd.lab.command import run
from halbd.lab.errors import LabError
from halbd.lab.measure import Change
from halbd.lab.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Line:
    """One event of `ip -tshort -oneline monitor address`; `at` is wall-clock time, from when ip(8) received it."""

    at: float
    address: str
    gained: bool


def parse(line: str) -> Line | None:
    """Read one line, such as "[2026-01-01T00:00:00.000001] Deleted 2: eth0    inet 10.0.0.4/32 scope global …"."""
    stamp, _, rest = line.partition("] ")
    words = rest.split()
    family = next((i for i, word in enumerate(words) if word in ("inet", "inet6")), None)
    if not stamp.startswith("[") or family is None or family + 1 >= len(words):
        return None
    at = datetime.fromisoformat(stamp[1:]).replace(tzinfo=UTC).timestamp()  # ip(8) is started with TZ=UTC
    return Line(at, words[family + 1].partition("/")[0], not rest.startswith("Deleted"))


class Holders:
    """Follows every node. `changes` grows until forget(), `log` until take(); `current` is who holds each VIP now."""

    def __init__(self, vips: Iterable[str]) -> None:
        self.changes: list[Change] = []
        self.log: list[Change] = []
        self.moved_at = 0.0
        self.current: dict[str, set[str]] = {vip: set() for vip in vips}
        self._changed = asyncio.Condition()

    async def follow(self, node: str, namespace: str, tasks: Tasks) -> None:
        """Begin to watch `node`: the monitor first and the list after it, so that nothing falls between them."""
        words = ("ip", "-tshort", "-oneline", "monitor", "address")
        reader = await tasks.lines(*namespaces.inside(namespace), *words)
        tasks.begin(self._read(node, reader))
        for link in json.loads(await run("ip", "-n", namespace, "-j", "address")):
            for address in link.get("addr_info", ()):
                await self._note(Change(time.monotonic(), node, address["local"], gained=True))

    async def _read(self, node: str, reader: asyncio.StreamReader) -> None:
        while text := await reader.readline():
            line = parse(text.decode())
            if line is not None:
                # The stamp is nearer to the event than our reading of it; the wall clock's offset is taken now.
                at = time.monotonic() - max(0.0, time.time() - line.at)
                await self._note(Change(at, node, line.address, line.gained))
        raise LabError(f"cannot follow {node}: ip monitor has ended")

    async def _note(self, change: Change) -> None:
        holders = self.current.get(change.vip)
        if holders is None or (change.node in holders) == change.gained:
            return  # another address, or said twice: `ip address replace` is announced as new
        (holders.add if change.gained else holders.discard)(change.node)
        async with self._changed:
            self.changes.append(change)
            self.log.append(change)
            self.moved_at = change.at
            self._changed.notify_all()

    def snapshot(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each VIP with its holders now."""
        return tuple((vip, tuple(sorted(nodes))) for vip, nodes in self.current.items())

    def forget(self) -> None:
        """Drop the changes so far; who holds what is kept."""
        self.changes.clear()

    def take(self, node: str) -> tuple[Change, ...]:
        """That node's changes since the last call."""
        taken = tuple(change for change in self.log if change.node == node)
        self.log = [change for change in self.log if change.node != node]
        return taken

    async def until(self, predicate: Callable[[], bool], deadline: float) -> bool:
        """Wait until `predicate` holds; False when it did not within `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline), self._changed:
                await self._changed.wait_for(predicate)
        except TimeoutError:
            return False
        return True
