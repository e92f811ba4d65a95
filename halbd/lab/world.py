"""Is the world right again? Beyond who holds what and who serves: history, processes, sockets, descriptors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic

from halbd.decide.blind import STANDBY_BLIND
from halbd.lab import memory, namespaces
from halbd.lab.connections import busy
from halbd.lab.lab import Lab
from halbd.lab.leftovers import Place, changed, leftovers
from halbd.lab.measure import Change
from halbd.lab.processes import dead_sockets, open_files, processes, zombies
from halbd.model.paths import Paths, no_servers

SETTLE = 8.0  # seconds for a history to be written and for what is ending to have ended
LOOK = 0.5  # seconds between two looks


@dataclass(slots=True)
class World:
    """Knows what was right at first, and what has been checked."""

    lab: Lab
    _files: dict[str, int] = field(default_factory=dict)
    _ends: dict[str, int] = field(default_factory=dict)
    _namespaces: tuple[str, ...] = ()

    async def wrong(self) -> tuple[str, ...]:
        """What is not right, in words; each thing may take a moment to come right. Raises LabError."""
        changes = {node: self.lab.holders.take(node) for node in self.lab.chronicles}
        end = monotonic() + SETTLE
        while (complaints := await self._look(changes)) and monotonic() < end:
            await asyncio.sleep(LOOK)
            for node, seen in changes.items():
                changes[node] = seen + self.lab.holders.take(node)
        for chronicle in self.lab.chronicles.values():
            chronicle.settle()
        return complaints + self._unasked_ends()

    async def _look(self, changes: dict[str, tuple[Change, ...]]) -> tuple[str, ...]:
        statuses = await self.lab.statuses()
        complaints = [await self._other_namespaces()]
        for node, status in statuses.items():
            pids = {name: (status or {}).get(name, {}).get("pid") for name in ("proxy", "keepalived")}
            complaints += leftovers(await self._place(node, pids["proxy"], pids["keepalived"]))
            complaints.append(self.lab.chronicles[node].compare(changes[node]))
            if _stands_back(self.lab.paths(node)):
                complaints.append(f"{node}: keepalived is told that it sees no server")
        return tuple(filter(None, complaints))

    async def _other_namespaces(self) -> str:
        """The lab's own are those that were there at first."""
        there = await namespaces.named(self.lab.folder.prefix)
        self._namespaces = self._namespaces or there
        return changed(self._namespaces, there)

    async def _place(self, node: str, proxy: int | None, keepalived: int | None) -> Place:
        daemon = self.lab.units[node].pid
        files = open_files(daemon) if daemon else 0
        here = await processes(self.lab.network.namespace(node))
        return Place(
            node=node,
            processes=here,
            lab=self.lab.own(node),
            daemon=daemon,
            proxy=proxy,
            keepalived=keepalived,
            busy=await busy(self.lab, node),
            zombies=zombies({process.pid for process in here}),
            groups=memory.groups(memory.group(self.lab.folder.path.name, node)),
            sockets=dead_sockets(self.lab.paths(node).runtime),
            files=files,
            files_at_first=self._files.setdefault(node, files),
            workers=len(self.lab.plan.targets),
        )

    def _unasked_ends(self) -> tuple[str, ...]:
        """A daemon that ended by itself since the last look, although one was there again soon."""
        complaints = []
        for node, unit in self.lab.units.items():
            new = unit.ends[self._ends.get(node, 0) :]
            self._ends[node] = len(unit.ends)
            complaints += [f"{node}: halbd ended by itself, exit {end.code}" for end in new if not end.asked]
        return tuple(complaints)


def _stands_back(paths: Paths) -> bool:
    """After an outage a standby does for some seconds (decide/blind.py): nobody can hand a VIP over to it meanwhile."""
    return any(file.read_text().strip() == str(STANDBY_BLIND) for file in paths.track_folder.glob(no_servers("*")))
