"""Tells both ends of a VIP's connections that it has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from halbd.model.config import Address
from halbd.model.effects import EndConnections, Poke
from halbd.model.errors import HalbdError
from halbd.model.events import ConnectionsEnded, Event
from halbd.model.flow import Flow
from halbd.model.state import State
from halbd.system import poke, sock_diag, voice
from halbd.system.sock_diag import Connection


class Parting:
    """Lists, and ends what was listed; never a connection of a VIP that is back."""

    def __init__(self, post: Callable[[Event], None], state: Callable[[], State]) -> None:
        self._post, self._state = post, state
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def perform(self, effect: EndConnections | Poke) -> None:
        """End them all, and the answer is an event; or tell those once more that could not be told."""
        match effect:
            case EndConnections():
                self._post(await asyncio.to_thread(self._end, effect.address))
            case Poke():
                await self._poke(effect.flows)

    async def _poke(self, flows: tuple[Flow, ...]) -> None:
        try:
            await asyncio.to_thread(poke.poke, flows)
        except HalbdError as error:
            self._log.warning("connections.not_poked", why=str(error))

    def _end(self, address: Address) -> ConnectionsEnded:
        """In a thread: there may be tens of thousands. It only reads what the loop has decided."""
        try:
            found = sock_diag.connections(address)
            if address in self._state().held:
                return ConnectionsEnded(address, 0, ())
            speaking = self._let_speak(address, found)
        except HalbdError as error:
            return ConnectionsEnded(address, 0, (), str(error))
        mute = tuple(one for one in found if address.version == 4 and one.inode not in speaking)
        try:
            return ConnectionsEnded(address, len(sock_diag.destroy(found)), _elsewhere(mute))
        except HalbdError as error:
            return ConnectionsEnded(address, 0, _elsewhere(found), str(error))

    def _let_speak(self, address: Address, found: tuple[Connection, ...]) -> frozenset[int]:
        """IPv4 alone needs it. Those that are given none are ended all the same, and poked."""
        if address.version == 6:
            return frozenset()
        try:
            return voice.let_speak((one.inode for one in found), self._state().proxy.pid)
        except HalbdError as error:
            self._log.warning("connections.mute", why=str(error))
            return frozenset()


def _elsewhere(found: tuple[Connection, ...]) -> tuple[Flow, ...]:
    """Those whose other end is not this node's own client of the VIP: it has been ended with them."""
    return tuple(one.flow for one in found if one.flow.remote != one.flow.local)
