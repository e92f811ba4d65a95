"""Takes up a new config while everything runs: the smallest action that makes it true, or nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from halbd.daemon import generation
from halbd.daemon.children import Children
from halbd.daemon.generation import WrongFileError
from halbd.daemon.loaded import Loaded, Request
from halbd.daemon.proxy import Proxy
from halbd.daemon.unit import Unit
from halbd.decide.change import Change
from halbd.model.child import Program
from halbd.model.config import Config, ProxyKind
from halbd.model.effects import FallBack, LookAtGeneration, TakeUp
from halbd.model.errors import FailedError, HalbdError, RefusedError, RejectedError
from halbd.model.events import ConfigApplied, ConfigRejected, Event, FilesMended, Installed, TakingUp
from halbd.model.state import State
from halbd.model.told import Owes
from halbd.system import generations, process


@dataclass(frozen=True, slots=True)
class Done:
    """What a reload did."""

    result: str
    actions: tuple[str, ...]
    warnings: tuple[str, ...]


class Changer:
    """One change at a time: whoever holds `lock` keeps others out. `in_force` is what the latest change came to."""

    def __init__(
        self,
        source: Request,
        in_force: Loaded,
        children: Children,
        proxy: Proxy,
        post: Callable[[Event], None],
        state: Callable[[], State],
    ) -> None:
        self._paths, self._source, self.in_force = source.paths, source, in_force
        self._children, self._proxy, self._post, self._state = children, proxy, post, state
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self.lock = asyncio.Lock()
        self._unit = Unit(source.paths, post)
        self._why = ""
        self._waking = False

    async def reload(self) -> Done:
        """Read the file again and make it true; on any failure what was in force stays in force.

        Raises:
            WrongFileError: the file has problems.
            HalbdError: a program, the kernel or another process is in the way.
        """
        async with self.lock:
            try:
                new = await asyncio.to_thread(generation.load, self._source)
                done = await self._change(new)
            except WrongFileError as error:
                self._post(ConfigRejected(tuple(map(str, error.problems))))
                raise
            except (HalbdError, OSError) as error:
                self._post(ConfigRejected((str(error),)))
                raise HalbdError(str(error)) from error
            self._post(ConfigApplied(new.config))
            self._log.info("config.reloaded", result=done.result, actions=done.actions, warnings=done.warnings)
            return done

    async def perform(self, effect: TakeUp | FallBack | LookAtGeneration) -> None:
        """What the owner has decided."""
        match effect:
            case TakeUp():
                await self._take_up(effect.program)
            case FallBack():
                await self._give_up(effect.why)
            case LookAtGeneration():
                await self._mend()

    async def _mend(self) -> None:
        """Put right what somebody changed in the files in force: a program that is started again would read it.

        A running Envoy takes it up from the disk at the next rename there, and so takes up what is right again. A
        running HAProxy or keepalived has not read it, and is not told. keepalived.service reads another file, which
        whoever changed it may have had it read: it is told.
        """
        if self.lock.locked():
            return  # a change is under way, or a disk stalls
        async with self.lock:
            files, source = self.in_force.files, self.in_force.source
            try:
                changed = await asyncio.to_thread(generations.changed, self._paths, files, source)
                if changed:
                    complaint = await self._proxy.complaint()  # what is right again is complained of no more
                    await asyncio.to_thread(generations.mend, self._paths, files, source)
                    self._post(FilesMended(changed, str(self._paths.kept), complaint))
                if not self._unit.owing and await self._foreign(self.in_force.config):
                    await self.tell_keepalived(self.in_force.config)
            except (HalbdError, OSError) as error:
                self._log.error("generation.not_mended", why=str(error))

    async def _change(self, new: Loaded) -> Done:
        old = self._state().config
        change = generation.compare(self._paths, old, new)
        if change.refused:
            raise RefusedError(change.refused)
        behind = self._children.behind(Program.PROXY)
        if behind:
            change = replace(change, servers=(), proxy_reload=True)
        change = self._with_program(change)
        if self._children.behind(Program.KEEPALIVED):
            change = replace(change, keepalived_reload=True)
        if await self._foreign(new.config):
            words = f"{new.config.keepalived.config_file} was not halbd's, and is now; the log says where it is kept"
            change = replace(change, keepalived_reload=True, warnings=(*change.warnings, words))
        pid = self._state().proxy.pid
        own = process.family(pid) if pid else frozenset[int]()
        self._post(TakingUp(new.config))  # Envoy does as soon as the files are there
        undo = await generation.install(self._paths, new, own, change.new_binds)
        self._post(Installed(new.config))
        if not change.actions:
            self._children.taken_up()
            self._children.note_generation(Program.KEEPALIVED)
            self.in_force = new
            return Done("unchanged" if old == new.config else "applied", (), change.warnings)
        try:
            await self._act(change, new.config, behind=behind)
        except (HalbdError, OSError):
            self._post(Installed(old))
            undo()
            await self._go_back(change, old)
            raise
        self.in_force = new
        return Done("applied", change.actions, change.warnings)

    def _with_program(self, change: Change) -> Change:
        """A program that was replaced is taken up as well; where that cannot be seen, the operator is to know."""
        try:
            outdated = self._children.outdated()
        except FailedError as error:
            words = f"a newer {change.kind} on disk, if there is one, is not taken up: {error}"
            return replace(change, warnings=(*change.warnings, words))
        if not outdated:
            return change
        is_envoy = change.kind is ProxyKind.ENVOY
        return replace(change, servers=(), hand_over=is_envoy, proxy_reload=not is_envoy)

    async def _act(self, change: Change, config: Config, *, behind: bool) -> None:
        """Have the programs take up what is in force now; `behind`: the proxy is not on what the change starts from.

        Raises HalbdError, OSError.
        """
        if self._state().proxy.running:
            if change.hand_over:
                await self._children.hand_over(config)
            elif behind:
                await self._renew_proxy(config)
            else:
                await self._proxy.take_up(change)
                self._children.taken_up()
        if change.keepalived_reload:
            await self.tell_keepalived(config)
        self._children.note_generation(Program.KEEPALIVED)

    async def _take_up(self, program: Program) -> None:
        """What runs on an older generation, or has lost sight of its files, takes up the one in force."""
        match program:
            case Program.PROXY:
                await self._take_up_proxy()
            case Program.KEEPALIVED:
                await self._take_up_keepalived()

    async def _take_up_keepalived(self) -> None:
        try:
            await self._reload_keepalived()
        except (HalbdError, OSError) as error:
            self._log.error("keepalived.not_told", why=str(error))

    async def _take_up_proxy(self) -> None:
        """Have a proxy that was found on an older generation take up the one in force; else that is rolled back."""
        async with self.lock:
            try:
                await self._renew_proxy(self.in_force.config)
            except (HalbdError, OSError) as error:
                await self._fall_back()
                self._post(ConfigRejected((str(error),)))

    async def _renew_proxy(self, config: Config) -> None:
        """Have a proxy that may be on anything take up what is in force; what an Envoy cannot, another Envoy does.

        But no other takes the place of one that gives no answer, which would keep its part of the new connections.

        Raises HalbdError, OSError.
        """
        rejected = False
        try:
            await self._proxy.reload()
        except RejectedError:
            rejected = True
        if rejected or (config.proxy.kind is ProxyKind.ENVOY and self._children.another_process(config)):
            await self._children.hand_over(config)
        else:
            self._children.taken_up()

    async def _give_up(self, why: str) -> None:
        """No proxy starts on what is in force: put the last good generation there, if that is another one."""
        async with self.lock:
            if not self._state().taken_up and await self._fall_back():
                self._post(ConfigRejected((why,)))

    async def _fall_back(self) -> bool:
        """Whether there is another generation that was seen to work, which is in force now."""
        before = self.in_force
        try:
            if await asyncio.to_thread(generations.last_good, self._paths) in (None, before.source):
                return False
            last = await asyncio.to_thread(generation.load_last_good, replace(self._source, file=None))
            if last is None or last.config.proxy.kind is not before.config.proxy.kind:
                return False  # another kind is for another daemon to run
            change = generation.compare(self._paths, before.config, last)
            self._post(TakingUp(last.config))
            await generation.install(self._paths, last, frozenset(), ())
            self.in_force = last
            self._post(ConfigApplied(last.config))
            await self._act(replace(change, hand_over=False), last.config, behind=True)
        except (HalbdError, OSError) as error:
            self._log.error("config.not_taken_back", why=str(error))
        return self.in_force is not before

    async def _reload_keepalived(self) -> None:
        """Have keepalived read its config, and so watch the track files, anew. Raises HalbdError, OSError.

        Never while that config is missing: to keepalived a missing file is an empty one, and it would drop the VIPs. A
        foreign one in its place, which has it deaf as well, is put right at its time, and it is told then.
        """
        if self._waking:
            return  # one that waits for its turn is enough: to tell it twice does no more
        self._waking = True
        async with self.lock:
            self._waking = False
            if not await asyncio.to_thread(generation.whole, self._paths, self.in_force):
                raise HalbdError(f"cannot reload keepalived: {self._paths.current} is not whole")
            if self._state().stopping or not await self._foreign(self.in_force.config):
                await self.tell_keepalived(self.in_force.config, Owes.RELOAD)

    async def _go_back(self, change: Change, old: Config) -> None:
        """The generation before is in force again: whoever has taken up the new one takes that up."""
        touched = change.proxy_reload or change.hand_over or bool(change.servers)
        try:
            await self._act(replace(change, hand_over=False), old, behind=touched)
        except (HalbdError, OSError) as error:
            self._log.error("config.not_taken_back", why=str(error))

    async def catch_up(self) -> None:
        """Have keepalived.service run, on what is in force: at the start, and until it has been told of each change."""
        if self.lock.locked() or self._state().stopping:
            return
        why, pid = "", self._state().keepalived.pid
        async with self.lock:
            try:
                if self._unit.owing:
                    await self.tell_keepalived(self.in_force.config)
                elif not self._unit.knows(pid) and not await self._foreign(self.in_force.config):
                    await self._unit.runs(pid)
            except (HalbdError, OSError) as error:
                why = str(error)
        if why and why != self._why:
            self._log.error("keepalived.not_told", why=why)
        self._why = why

    async def tell_keepalived(self, config: Config, least: Owes = Owes.NOTHING) -> None:
        """Have keepalived take up its part of the generation in force. Raises HalbdError, OSError."""
        if not self._state().keepalived_is_unit:
            await self._children.reload_keepalived()
            return
        text = (await asyncio.to_thread(generations.installed, self._paths)).text("keepalived.conf")
        target = Path(config.keepalived.config_file)
        await self._unit.tell(text, target, self._state().keepalived.pid, least)

    async def _foreign(self, config: Config) -> bool:
        """What keepalived.service reads is not what is in force. Raises OSError."""
        text, target = self.in_force.files.text("keepalived.conf"), Path(config.keepalived.config_file)
        return self._state().keepalived_is_unit and await self._unit.foreign(text, target)
