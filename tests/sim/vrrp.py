"""A model keepalived: the state machine of RFC 9568 with what halbd/render/keepalived.py puts into its file.

What it does beyond the RFC was measured with 2.2.7: a fault sends priority 0 and takes the VIPs down; the first result
of the script decides; an address that somebody removes from a master makes it a backup; a start removes stale VIPs;
SIGKILL leaves them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Protocol

from halbd.decide.adverts import missed, spread
from halbd.decide.groups import Instance, instances, weight
from halbd.model.adverts import Advert
from halbd.model.config import Address, Config
from halbd.model.paths import FAULT, no_servers
from tests.sim.clock import Clock

REACTION = 0.001
"""Seconds from a track_file's change until keepalived has acted on it."""
SCRIPT_INTERVAL = 1.0
SCRIPT_FALL = 2


class Host(Protocol):
    """What keepalived sees of its machine."""

    @property
    def config(self) -> Config: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def tracks(self) -> dict[str, int]: ...
    @property
    def addresses(self) -> dict[Address, str]: ...
    def put(self, address: Address, interface: str, *, present: bool, by_keepalived: bool = True) -> None: ...
    def send(self, advert: Advert) -> None: ...
    def check(self) -> bool: ...


class Role(Enum):
    """The states of an instance."""

    FAULT = auto()
    BACKUP = auto()
    MASTER = auto()


class Keepalived:
    """One keepalived process, from its start to its end."""

    def __init__(self, host: Host, pid: int) -> None:
        self.host, self.pid, self._clock = host, pid, host.clock
        self.alive, self.frozen = True, False
        self._script: bool | None = None
        self._failures = 0
        self._missed: list[Callable[[], None]] = []
        self.routers = [Router(self, instance) for instance in instances(host.config)]
        for address in [a for router in self.routers for a in router.addresses]:
            if address in host.addresses:
                host.put(address, host.addresses[address], present=False)
        self.after(0.02, self._run_script)

    @property
    def entitled(self) -> bool:
        """Nothing that is tracked says no."""
        return self._script is True and not self.host.tracks.get(FAULT, 0)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """A timer of this process: gone when it dies, late when it is stopped."""
        self._clock.after(seconds, partial(self._wake, act))

    def _wake(self, act: Callable[[], None]) -> None:
        if self.frozen:
            self._missed.append(act)
        elif self.alive:
            act()

    def track_changed(self) -> None:
        """Inotify."""
        self.after(REACTION, self._judge)

    def hear(self, advert: Advert) -> None:
        """A packet has come; a stopped process finds the latest ones in its socket."""
        for router in self.routers:
            if router.instance.virtual_router_id == advert.virtual_router_id:
                if self.frozen:
                    self._missed.append(partial(router.hear, advert))
                elif self.alive:
                    router.hear(advert)

    def address_gone(self, address: Address) -> None:
        """Somebody else removed an address."""
        for router in self.routers:
            if address in router.addresses:
                self._wake(router.robbed)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        missed, self._missed = self._missed, []
        for act in missed:
            self._wake(act)

    def kill(self) -> None:
        """SIGKILL to all of it: the addresses stay."""
        self.alive = False

    def terminate(self) -> None:
        """SIGTERM: priority 0, the addresses go, the end."""
        for router in self.routers:
            router.fail()
        self.alive = False

    def _run_script(self) -> None:
        self.after(SCRIPT_INTERVAL, self._run_script)
        passed = self.host.check()
        self._failures = 0 if passed else self._failures + 1
        if passed or self._script is None or self._failures >= SCRIPT_FALL:
            self._script = passed
            self._judge()

    def _judge(self) -> None:
        for router in self.routers:
            if not self.entitled:
                router.fail()
            elif router.role is Role.FAULT:
                router.listen()


class Router:
    """One vrrp_instance. Its one timer is the Adver_Timer of a master, the Active_Down_Timer of a backup."""

    def __init__(self, process: Keepalived, instance: Instance) -> None:
        self.process, self.instance, self.role = process, instance, Role.FAULT
        self._clock = process.host.clock
        self._tracks = process.host.tracks
        self._claimed = frozenset(vip.address for vip in instance.vips)
        self._adverts: dict[int, Advert] = {}
        self.addresses = [vip.address for vip in instance.vips]
        config = process.host.config
        self._own, self._preempt, self._weight = config.node.address, config.vrrp.preempt, weight(config)
        self._interval = round(config.vrrp.advert_int / spread(config.vrrp), 2)
        self._silence = missed(config.vrrp) * self._interval
        self._file = no_servers(instance.group)
        self._due = 0.0
        self._armed: float | None = None

    @property
    def priority(self) -> int:
        """What the track_file leaves of it."""
        lowered = self.instance.priority - self._weight * self._tracks.get(self._file, 0)
        return max(1, lowered)

    def listen(self) -> None:
        """Be a backup for as long as a master is heard."""
        self.role = Role.BACKUP
        self._set(self._silence + self._skew(self.priority))

    def fail(self) -> None:
        """Give everything up and say so."""
        was, self.role = self.role, Role.FAULT
        if was is Role.MASTER:
            self._send(0)
            self._put(present=False)

    def robbed(self) -> None:
        """An address of a master was removed: it resigns, and is master again 10 ms later."""
        if self.role is Role.MASTER:
            self._send(0)
            self._put(present=False)
            self.role = Role.BACKUP
            self._set(0.01)

    def hear(self, advert: Advert) -> None:
        """RFC 9568, 6.4.2 and 6.4.3."""
        if self.role is Role.BACKUP:
            mine = self.priority
            if advert.priority == 0:
                self._set(self._skew(mine))
            elif not self._preempt or advert.priority >= mine:
                self._set(self._silence + self._skew(mine))
        elif self.role is Role.MASTER:
            theirs = (advert.priority, int(advert.source))
            if advert.priority and theirs > (self.priority, int(self._own)):
                self._put(present=False)
                self.listen()
            else:
                self._send(self.priority)

    def _skew(self, priority: int) -> float:
        return (256 - priority) * self._interval / 256

    def _set(self, seconds: float) -> None:
        self._due = self._clock.now + seconds
        if self._armed is None or self._armed > self._due:
            self._arm()

    def _arm(self) -> None:
        self._armed = self._due
        self.process.after(self._due - self._clock.now, partial(self._ring, self._due))

    def _ring(self, armed: float) -> None:
        if armed != self._armed:
            return
        self._armed = None
        if self.role is Role.FAULT:
            return
        if self._clock.now < self._due:
            self._arm()
            return
        if self.role is Role.BACKUP:
            self.role = Role.MASTER
            self._put(present=True)
        self._send(self.priority)
        self._set(self._interval)

    def _send(self, priority: int) -> None:
        if priority not in self._adverts:
            self._adverts[priority] = Advert(self._own, self.instance.virtual_router_id, priority, self._claimed)
        self.process.host.send(self._adverts[priority])

    def _put(self, *, present: bool) -> None:
        host = self.process.host
        for vip in self.instance.vips:
            if present != (vip.address in host.addresses):
                host.put(vip.address, vip.interface, present=present)
