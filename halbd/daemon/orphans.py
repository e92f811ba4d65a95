"""After an upgrade: children that the program before had started and had not yet seen the end of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from halbd.system import process
from halbd.system.process import Identity


def reap_others(watched: set[int], begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
    """See to all children but those that somebody watches: one that ends unseen would be a zombie for ever."""
    for pid in set(process.children()) - watched:
        begin(_reap(pid))


async def _reap(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        await process.ended(Identity(pid, 0))
    process.reap(pid)
