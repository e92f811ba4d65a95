"""keepalived.service runs on the file in force: that is written, told, and looked after."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from halbd.daemon import told_note
from halbd.decide import owing
from halbd.model.events import Event, FilesMended
from halbd.model.paths import Paths
from halbd.model.told import Owes, Told
from halbd.system import files, keepalived_unit, process


class Unit:
    """The changer calls it under its lock. Every change is noted before it is made, and paid off once it is told."""

    def __init__(self, paths: Paths, post: Callable[[Event], None]) -> None:
        self._paths, self._post = paths, post
        self._told = told_note.read(paths.told)
        self._seen: Path | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    @property
    def owing(self) -> bool:
        """It has not been told of everything, or not yet been looked at by this daemon."""
        return self._seen is None or self._told.owes is not Owes.NOTHING

    async def foreign(self, text: str, target: Path) -> bool:
        """What is at `target` is not that text. Raises OSError."""
        return await asyncio.to_thread(keepalived_unit.read_config, target) != text.encode()

    async def tell(self, text: str, target: Path, pid: int | None, least: Owes = Owes.NOTHING) -> None:
        """Have the service, which runs as `pid`, run on that text. Raises HalbdError, OSError."""
        kept = await asyncio.to_thread(self._write, text.encode(), target, pid, least)
        self._seen = target
        if kept is not None:
            self._post(FilesMended((str(target),), str(kept)))
        if await asyncio.to_thread(keepalived_unit.apply, self._told.owes):
            self._log.warning("keepalived.restarted", why=f"what was at {target} when it started was not halbd's")
        await asyncio.to_thread(self._note, replace(self._told, owes=Owes.NOTHING))

    async def runs(self, pid: int | None) -> None:
        """The file is halbd's and nothing is owed: whoever was started since has read that."""
        if pid and (who := process.identity(pid)):
            await asyncio.to_thread(self._note, replace(self._told, pid=who.pid, start_ticks=who.start_ticks))

    def _write(self, wanted: bytes, target: Path, pid: int | None, least: Owes) -> Path | None:
        """Returns the folder where another's file is kept that took the place of halbd's own."""
        there, before = keepalived_unit.read_config(target), self._told
        ours = there is not None and _digest(there) == before.written
        known = self._seen == target
        if known:
            owes = owing.found_later(there, wanted, ours=ours, same=self.knows(pid))
        else:
            owes = owing.found_at_start(there, wanted)
        self._note(replace(before, written=_digest(wanted), owes=owes | least | before.owes))
        if there == wanted:
            return None
        if known and not ours:
            return self._mend(there, wanted, target)
        if aside := keepalived_unit.write_config(wanted, target):
            self._log.warning("keepalived.config_kept", was=str(target), kept=str(aside))
        return None

    def _mend(self, there: bytes | None, wanted: bytes, target: Path) -> Path:
        if there is not None:
            self._paths.kept.mkdir(mode=0o700, exist_ok=True)
            files.write(self._paths.kept / str(target).strip("/").replace("/", "-"), there, 0o600)
        keepalived_unit.put_config(wanted, target)
        return self._paths.kept

    def knows(self, pid: int | None) -> bool:
        """The process was seen to run on halbd's file."""
        who = process.identity(pid) if pid else None
        return who is not None and (who.pid, who.start_ticks) == (self._told.pid, self._told.start_ticks)

    def _note(self, told: Told) -> None:
        if told == self._told and self._paths.told.exists():
            return
        self._told = told
        try:
            told_note.write(self._paths.told, told)
        except OSError as error:
            self._log.error("keepalived.not_noted", why=error.strerror)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
