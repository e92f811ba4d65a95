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
    interface: str


def parse(line: str) -> Line | None:
    """Read one line, such as "[2026-01-01T00:00:00.000001] Deleted 2: eth0    inet 10.0.0.4/32 scope global …"."""
    stamp, _, rest = line.partition("] ")
    words = rest.split()
    family = next((i for i, word in enumerate(words) if word in ("inet", "inet6")), None)
    if not stamp.startswith("[") or family is None or not 0 < family < len(words) - 1:
        return None
    at = datetime.fromisoformat(stamp[1:]).replace(tzinfo=UTC).timestamp()  # ip(8) is started with TZ=UTC
    address, interface = words[family + 1].partition("/")[0], words[family - 1]
    return Line(at, address, not rest.startswith("Deleted"), interface)


class Holders:
    """Follows every node. `current` is who holds each VIP now, on whatever interface.

    `changes` of that grow until forget(); `log`, which tells each interface from the others, grows until take().
    """

    def __init__(self, vips: Iterable[str]) -> None:
        self.changes: list[Change] = []
        self.log: list[Change] = []
        self.moved_at = 0.0
        self.current: dict[str, set[str]] = {vip: set() for vip in vips}
        self._places: set[tuple[str, str, str]] = set()
        self._changed = asyncio.Condition()

    async def follow(self, node: str, namespace: str, tasks: Tasks) -> None:
        """Begin to watch `node`: the monitor first and the list after it, so that nothing falls between them."""
        words = ("ip", "-tshort", "-oneline", "monitor", "address")
        reader = await tasks.lines(*namespaces.inside(namespace), *words)
        tasks.begin(self._read(node, reader))
        for link in json.loads(await run("ip", "-n", namespace, "-j", "address")):
            for address in link.get("addr_info", ()):
                here = Change(time.monotonic(), node, address["local"], gained=True, interface=link["ifname"])
                await self.note(here)

    async def _read(self, node: str, reader: asyncio.StreamReader) -> None:
        while text := await reader.readline():
            line = parse(text.decode())
            if line is not None:
                # The stamp is nearer to the event than our reading of it; the wall clock's offset is taken now.
                at = time.monotonic() - max(0.0, time.time() - line.at)
                await self.note(Change(at, node, line.address, line.gained, line.interface))
        raise LabError(f"cannot follow {node}: ip monitor has ended")

    async def note(self, change: Change) -> None:
        """An address came or went; none but the VIPs' are of interest."""
        holders, place = self.current.get(change.vip), (change.vip, change.node, change.interface)
        if holders is None or (place in self._places) == change.gained:
            return  # another address, or said twice: `ip address replace` is announced as new
        (self._places.add if change.gained else self._places.discard)(place)
        self.log.append(change)
        holds = any(one[:2] == place[:2] for one in self._places)
        if holds == (change.node in holders):
            return  # it holds the VIP on another interface as well
        (holders.add if holds else holders.discard)(change.node)
        async with self._changed:
            self.changes.append(change)
            self.moved_at = change.at
            self._changed.notify_all()

    def snapshot(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each VIP with its holders now."""
        return tuple((vip, tuple(sorted(nodes))) for vip, nodes in self.current.items())

    def forget(self) -> None:
        """Drop the changes so far; who holds what is kept."""
        self.changes.clear()

    def take(self, node: str) -> tuple[Change, ...]:
        """All that came and went on that node's interfaces since the last call."""
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
