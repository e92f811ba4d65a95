"""Effects to deeds: each returns at once, and what comes of it comes back as an event."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from halbd.daemon.addresses import Addresses
from halbd.daemon.changer import Changer
from halbd.daemon.children import Children
from halbd.daemon.chronicler import Chronicler
from halbd.daemon.drainer import Drainer
from halbd.daemon.history import History
from halbd.daemon.logs import at
from halbd.daemon.mender import Mender
from halbd.daemon.parting import Parting
from halbd.daemon.porter import Porter
from halbd.daemon.proxy import Proxy
from halbd.daemon.witness import Witness
from halbd.decide.look import look
from halbd.decide.status import transition
from halbd.decide.verdict import served
from halbd.model.effects import (
    CutConnections,
    DrainSettled,
    DumpAddresses,
    Effect,
    EndConnections,
    FallBack,
    Finish,
    ForgetDrain,
    KillKeepalivedUnit,
    LetIn,
    LookAtGeneration,
    LookAtKeepalived,
    LookAtProxy,
    MarkGood,
    Poke,
    Probe,
    Push,
    Record,
    RemoveAddress,
    RestoreAddress,
    Say,
    ShutDoor,
    Signal,
    Spawn,
    StartKeepalivedUnit,
    TakeUp,
    WriteLook,
)
from halbd.model.errors import HalbdError
from halbd.model.events import (
    Event,
    ProbeDone,
    ProxySeen,
    ProxySilent,
    PushFailed,
    PushLost,
)
from halbd.model.evidence import Target
from halbd.model.paths import Paths
from halbd.model.state import State
from halbd.model.transition import Transition
from halbd.system import files, generations
from halbd.system.probe import Prober
from halbd.system.shortage import shortage
from halbd.system.threads import Threads

SETTLE = 1.0
"""Seconds that a disk is waited for in the end."""
REASSERT = 1.0
"""Seconds between two looks at the track_files."""


class Hands:
    """Everything that halbd does to the world goes through `perform`."""

    def __init__(  # noqa: PLR0917  # the composition root alone calls it, once
        self,
        paths: Paths,
        children: Children,
        proxy: Proxy,
        history: History,
        changer: Changer,
        drainer: Drainer,
        post: Callable[[Event], None],
        state: Callable[[], State],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._paths, self._children, self._proxy, self._history, self._changer = (
            paths,
            children,
            proxy,
            history,
            changer,
        )
        self._post, self._state, self._begin = post, state, begin
        self._drainer = drainer
        self._porter = Porter(paths, post, begin)
        self._witness = Witness(post, state, begin, paths.track_folder)
        self._mender = Mender(post)
        self._addresses = Addresses(post, begin, self._witness)
        self._parting = Parting(post, state)
        # One thread, so that lines keep their order; not the loop, which a disk that stalls would stop.
        self._disk = Threads(1, "disk")
        self._chronicler = Chronicler(history, self._disk, post)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self._prober = Prober()
        self._reassert_at = 0.0

    def perform(self, effect: Effect) -> None:
        """Do one thing, or begin it."""
        match effect:
            case Push():
                self._push(effect)
            case Spawn():
                state = self._state()
                self._children.start(effect.program, state.installed or state.config)
            case Signal():
                self._children.signal(effect.program, effect.signal)
            case Probe():
                self._begin(self._probe(effect.target))
            case LookAtProxy():
                self._begin(self._look_at_proxy())
            case StartKeepalivedUnit() | KillKeepalivedUnit() | RemoveAddress() | RestoreAddress():
                self._begin(self._mender.perform(effect))
            case CutConnections():
                self._begin(self._cut(effect))
            case EndConnections() | Poke():
                self._begin(self._parting.perform(effect))
            case LookAtKeepalived():
                self._begin(self._look_at_keepalived())
            case WriteLook():
                self._write_look()
            case TakeUp() | FallBack() | LookAtGeneration():
                self._begin(self._changer.perform(effect))
            case DumpAddresses():
                self._watch(effect.why)
            case MarkGood():
                self._disk.submit(self._mark_good)
            case Record():
                self._record(effect.transition)
            case Say():
                self._say(effect)
            case ShutDoor() | LetIn():
                self._porter.perform(effect, self._state())
            case DrainSettled() | ForgetDrain():
                self._drainer.perform(effect)
            case Finish():
                self._finish()

    def _watch(self, why: str) -> None:
        """From a new dump of all addresses on."""
        self._witness.start()
        self._addresses.watch(why, frozenset(vip.address for vip in self._state().config.vips))

    def _finish(self) -> None:
        """Let go of everything."""
        self._addresses.stop()
        self._witness.stop()
        self._prober.close()
        self._children.finish()
        self._disk.shutdown()

    def reassert(self, pushed: Mapping[str, int]) -> None:
        """Once a second: a track_file that somebody else wrote, emptied or removed is written again; so is history."""
        if time.monotonic() < self._reassert_at:
            return
        self._reassert_at = time.monotonic() + REASSERT
        self._chronicler.keep()
        for name, value in pushed.items():
            try:
                held = (self._paths.track_folder / name).read_bytes()
            except OSError as error:
                held = str(error.strerror).encode()
            if held != f"{value}\n".encode():
                self._log.error("verdict.tampered", file=name, value=value, found=held[:100].decode(errors="replace"))
                self._post(PushLost(name))

    def put_back(self) -> None:
        """What somebody has removed: the track_files, and what halbd-check looks into."""
        for name, value in self._state().pushed.items():
            if not (self._paths.track_folder / name).exists():
                self._push(Push(name, value))
        if not self._paths.look_file.exists():
            self._write_look()

    async def flush(self) -> str | None:
        """Write what waits for the disk; returns why not, where that fails."""
        return await asyncio.wrap_future(self._disk.submit(self._history.flush))

    def settle(self) -> None:
        """Give the disk a moment to end what it is at: this process is about to become another program."""
        with contextlib.suppress(TimeoutError):
            self._disk.submit(self._history.flush).result(SETTLE)

    def _push(self, effect: Push) -> None:
        try:
            self._paths.track_folder.mkdir(exist_ok=True)
            files.overwrite(self._paths.track_folder / effect.name, f"{effect.value}\n")
        except OSError as error:
            self._log.error("verdict.not_pushed", file=effect.name, value=effect.value, why=error.strerror)
            self._post(PushFailed(effect.name))

    async def _probe(self, target: Target) -> None:
        self._post(ProbeDone(await self._prober.ask(target)))

    async def _look_at_proxy(self) -> None:
        config = served(self._state())
        timeout = config.health.timeout
        try:
            view = await self._proxy.view(config, timeout)
        except TimeoutError:
            self._post(ProxySilent(f"no answer within {timeout:g} s"))
        except OSError as error:
            self._post(ProxySilent(str(error), ours=shortage(error)))
        else:
            self._post(ProxySeen(view))

    async def _cut(self, effect: CutConnections) -> None:
        try:
            await self._proxy.cut_connections(effect, self._state().proxy.pid)
        except HalbdError as error:
            self._log.warning("proxy.connections_not_cut", server=effect.server, why=str(error))
        else:
            self._log.info("proxy.connections_cut", frontend=effect.frontend, server=effect.server)

    async def _look_at_keepalived(self) -> None:
        await self._changer.catch_up()
        await self._mender.look_at_unit()

    def _mark_good(self) -> None:
        try:
            generations.mark_good(self._paths)
        except OSError as error:
            self._log.error("generation.not_marked", why=error.strerror)

    def _write_look(self) -> None:
        try:
            files.write(self._paths.look_file, json.dumps(look(self._state())).encode())
        except OSError as error:
            self._log.error("look.not_written", why=error.strerror)

    def _record(self, one: Transition) -> None:
        self._log.warning("vip.gained" if one.gained else "vip.lost", **transition(one))
        self._chronicler.add(one)

    def _say(self, effect: Say) -> None:
        at(self._log, effect.level)(effect.event, **effect.fields)
