"""A model of halbd/daemon/hands.py: effects to deeds in the model world, and what comes of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from halbd.model.child import Program
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
from halbd.model.events import (
    ConnectionsEnded,
    FilesMended,
    KeepalivedSeen,
    ProbeDone,
    ProxySeen,
    ProxySilent,
    PushFailed,
    Spawned,
    SpawnFailed,
)
from halbd.model.evidence import ProbeResult, Target

if TYPE_CHECKING:
    from tests.sim.daemon import Daemon


class Hands:
    """Exhaustive, so that no new effect is forgotten here."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon, self.node, self.clock = daemon, daemon.node, daemon.clock

    def perform(self, effect: Effect) -> None:
        """Do one thing, or begin it."""
        match effect:
            case Push():
                if not self.node.write(effect.name, effect.value):
                    self.daemon.later(0, PushFailed(effect.name))
            case Spawn():
                self._spawn(effect.program)
            case Signal():
                self.node.signal(effect.program, effect.signal)
            case Probe():
                self._probe(effect.target)
            case LookAtProxy():
                self._look_at_proxy()
            case LookAtKeepalived():
                self._look_at_keepalived()
            case StartKeepalivedUnit():
                self.node.start(Program.KEEPALIVED)
            case DumpAddresses():
                self.daemon.dump(effect.why)
            case Record():
                self.node.world.watch.recorded(self.node, effect.transition)
                self.node.history[effect.transition.vip, effect.transition.interface] = effect.transition.gained
            case WriteLook():
                self.node.look = self.daemon.state.proxy.pid
            case RemoveAddress():
                self.clock.after(0.002, partial(self.node.remove, effect.address, effect.interface))
            case RestoreAddress():
                self.clock.after(0.002, partial(self.node.add, effect.vip.address))
            case KillKeepalivedUnit():
                self.clock.after(0.02, partial(self.node.end, Program.KEEPALIVED))
            case EndConnections():
                self.daemon.later(0.01, ConnectionsEnded(effect.address, 3, self.node.mute(effect.address)))
            case LookAtGeneration():
                if self.node.edited:
                    self.node.edited = False
                    self.daemon.later(0.01, FilesMended(("haproxy.cfg",), "/var/lib/halbd/kept"))
            case ShutDoor() | LetIn():
                if self.node.proxy:
                    self.node.proxy.shut = isinstance(effect, ShutDoor)
            case Poke() | CutConnections() | TakeUp() | FallBack() | MarkGood() | Say():
                pass
            case DrainSettled():
                self.daemon.seen.draining = None
            case ForgetDrain():
                if effect.number == self.daemon.drains:
                    self.node.note = None
            case Finish():
                self.daemon.alive = False
            case _:
                assert_never(effect)

    def _spawn(self, program: Program) -> None:
        """As Children.start: what runs already is taken up."""
        if (pid := self.node.pid(program)) is not None:
            self.daemon.later(0, Spawned(program, pid, 1, adopted=True))
        elif (pid := self.node.start(program)) is not None:
            self.daemon.later(0.005, Spawned(program, pid, 1))
        else:
            self.daemon.later(0.005, SpawnFailed(program, "cannot start it", self.node.random.random()))

    def _probe(self, target: Target) -> None:
        meeting = self.node.meet(target)
        begun, proxy = self.clock.now, self.node.proxy
        if meeting.seconds is None or meeting.seconds > target.timeout:
            self.clock.after(target.timeout, partial(self._probed, target, begun, meeting.connected, None))
        else:
            ask = partial(self._met, target, begun, proxy.pid if proxy else None, meeting.connected, meeting.status)
            self.clock.after(meeting.seconds, ask)

    def _met(self, target: Target, begun: float, pid: int | None, connected: bool, status: int | None) -> None:
        """The answer counts only if the proxy is still there to give it."""
        proxy = self.node.proxy
        if proxy is not None and proxy.pid == pid and proxy.frozen:
            self.clock.after(target.timeout, partial(self._probed, target, begun, connected, None))
            return
        there = pid is not None and proxy is not None and proxy.pid == pid
        self._probed(target, begun, connected and there, status if there else None)

    def _probed(self, target: Target, begun: float, connected: bool, status: int | None) -> None:
        """A question whose answer lay waiting while the daemon was stopped took that long, as far as it can tell."""
        if self.daemon.frozen:
            self.daemon.miss(partial(self._probed, target, begun, connected, status))
        if self.daemon.frozen or not self.daemon.alive:
            return
        now, ok = self.daemon.now, status in target.expect
        result = ProbeResult(target, ok, connected, status, now.mono - begun, now, "" if ok else "no good answer")
        self.daemon.post(ProbeDone(result))

    def _look_at_proxy(self) -> None:
        view = self.node.proxy.view() if self.node.proxy else None
        if view is None:
            self.daemon.later(self.node.config.health.timeout, ProxySilent("no answer"))
        else:
            self.daemon.later(0.002, ProxySeen(view))

    def _look_at_keepalived(self) -> None:
        pid = self.node.pid(Program.KEEPALIVED)
        self.daemon.later(0.01, KeepalivedSeen(pid, failed=pid is None))
