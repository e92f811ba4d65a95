"""Follows netlink, and begins anew where only a new dump can tell what is here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from halbd.daemon.witness import Witness
from halbd.model.config import Address
from halbd.model.events import AddressChanged, Event
from halbd.system import netlink


class Addresses:
    """Posts every address that comes or goes.

    A dump on its own could arrive after newer news and undo it: so a new dump means a new watch, in which everything
    that happens after the dump follows it.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        witness: Witness,
    ) -> None:
        self._post, self._begin, self._witness = post, begin, witness
        self._watching: asyncio.Task[None] | None = None

    def watch(self, why: str, vips: frozenset[Address]) -> None:
        """From a new dump on; `why` is the cause of what it finds changed."""
        self.stop()
        self._watching = self._begin(self._watch(why, vips))

    def stop(self) -> None:
        """Listen no more."""
        if self._watching:
            self._watching.cancel()

    async def _watch(self, why: str, vips: frozenset[Address]) -> None:
        async for event in netlink.watch(why, vips):
            self._post(self._witness.explained(event) if isinstance(event, AddressChanged) else event)
