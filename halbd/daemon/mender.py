"""Puts addresses and keepalived right, as decide/guard.py and decide/hung.py want it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from halbd.decide import service
from halbd.model.config import Address, Vip
from halbd.model.effects import KillKeepalivedUnit, RemoveAddress, RestoreAddress, StartKeepalivedUnit
from halbd.model.errors import HalbdError
from halbd.model.events import Event, KeepalivedSeen
from halbd.model.told import Owes
from halbd.system import keepalived_unit, netlink


class Mender:
    """What fails is logged; the decision is made again as long as the evidence lasts."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def perform(self, effect: StartKeepalivedUnit | KillKeepalivedUnit | RemoveAddress | RestoreAddress) -> None:
        """What the owner has decided."""
        match effect:
            case StartKeepalivedUnit():
                await self._start_unit()
            case KillKeepalivedUnit():
                await self._kill_unit()
            case RemoveAddress():
                await self._remove(effect.address, effect.interface)
            case RestoreAddress():
                await self._restore(effect.vip)

    async def look_at_unit(self) -> None:
        """See how keepalived.service is."""
        try:
            unit = await asyncio.to_thread(keepalived_unit.look)
        except HalbdError as error:
            self._log.warning("keepalived.not_asked", why=str(error))
        else:
            self._post(KeepalivedSeen(unit.pid, service.failed(unit), service.idle(unit)))

    async def _remove(self, address: Address, interface: str) -> None:
        try:
            await netlink.remove(address, interface)
        except HalbdError as error:
            self._log.error("vip.not_removed", why=str(error))

    async def _restore(self, vip: Vip) -> None:
        try:
            await netlink.restore(vip)
        except HalbdError as error:
            self._log.error("vip.not_restored", why=str(error))

    async def _start_unit(self) -> None:
        """Start keepalived.service, unless somebody has stopped it meanwhile."""
        try:
            await asyncio.to_thread(keepalived_unit.apply, Owes.NOTHING)
        except HalbdError as error:
            self._log.error("keepalived.not_started", why=str(error))

    async def _kill_unit(self) -> None:
        try:
            await asyncio.to_thread(keepalived_unit.kill)
        except HalbdError as error:
            self._log.error("keepalived.not_killed", why=str(error))
