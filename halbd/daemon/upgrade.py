"""The daemon becomes the newly installed program: the same process, so nothing that it has started notices.

The new program takes up proxy and keepalived by their notes, as one does that follows a crash.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from halbd import __version__
from halbd.daemon.changer import Changer
from halbd.daemon.hands import Hands
from halbd.daemon.teller import Teller
from halbd.model.errors import RefusedError
from halbd.model.events import Event, UpgradeFailed
from halbd.model.state import State
from halbd.system import become
from halbd.system.run import Outcome, run

FROM = "HALBD_UPGRADED_FROM"
"""The environment variable by which the new program knows that it is one."""
DEADLINE = 30.0
"""Seconds that the new program may take to rehearse its start."""
WORDS = 1000
"""Characters of its refusal that are passed on."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The newly installed program would start; `go` becomes it."""

    version: str
    go: Callable[[], None]


class Upgrade:
    """One at a time, and none beside a reload."""

    def __init__(
        self,
        changer: Changer,
        hands: Hands,
        teller: Teller,
        post: Callable[[Event], None],
        state: Callable[[], State],
    ) -> None:
        self._changer, self._hands, self._teller, self._post, self._state = changer, hands, teller, post, state
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def prepare(self) -> Ready:
        """See that the new program would start, and that nothing is lost with this one; from then on no reload.

        Raises:
            RefusedError: it would not, or transitions wait for a disk that takes none; this one runs on.
        """
        await self._changer.lock.acquire()
        try:
            words = become.command()
            version = await self._agreed(words)
        except BaseException:
            self._changer.lock.release()
            raise
        return Ready(version, lambda: self._go(words))

    async def _agreed(self, words: list[str]) -> str:
        """The version that would start. Raises RefusedError, HalbdError."""
        version = _judge(words[0], await asyncio.to_thread(run, [*words, "--dry-run"], DEADLINE))
        if why := await self._hands.flush():
            raise RefusedError(f"cannot upgrade: transitions would be lost: {why}")
        return version

    def _go(self, words: list[str]) -> None:
        """Never returns, but where the program cannot be executed after all, or a stop came first."""
        if self._state().stopping:
            self._changer.lock.release()
            return
        self._log.info("halbd.upgrading", program=words[0], version=__version__)
        self._teller.leave()
        self._hands.settle()
        try:
            become.become(words, os.environ | {FROM: __version__})
        except OSError as error:
            self._teller.stay()
            self._changer.lock.release()
            self._post(UpgradeFailed(f"cannot execute {words[0]}: {error.strerror}"))


def _judge(program: str, outcome: Outcome) -> str:
    """The version that would start. Raises RefusedError."""
    said = re.search(r"^halbd (\S+) would start", outcome.words, re.MULTILINE)
    if outcome.code != 0 or said is None:
        words = outcome.words[-WORDS:].strip() or "it says nothing"
        raise RefusedError(f"cannot upgrade: {program} would not start (exit {outcome.code}): {words}")
    return said[1]


def upgraded_from() -> str | None:
    """The version that became this one; forgotten once it was asked for, so that no child hears of it."""
    return os.environ.pop(FROM, None)
