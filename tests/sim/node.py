"""One machine: its addresses, track_files and programs, and what can be done to them."""

from __future__ import annotations

from functools import partial
from random import Random
from signal import Signals
from typing import TYPE_CHECKING

from halbd.model.adverts import Advert
from halbd.model.child import Program
from halbd.model.config import Address, Config
from halbd.model.events import AddressChanged
from halbd.model.evidence import Target
from halbd.model.flow import Flow
from halbd.model.guard import Place
from halbd.model.maintenance import Note
from tests.sim.daemon import Daemon
from tests.sim.proxy import Meeting, Proxy, Server
from tests.sim.vrrp import Keepalived

if TYPE_CHECKING:
    from tests.sim.world import World


class Node:
    """Switches such as `cannot_write` are what faults turn."""

    def __init__(self, world: World, config: Config, random: Random) -> None:
        self.world, self.config, self.random, self.clock = world, config, random, world.clock
        self.name = config.node.name
        self.addresses: dict[Address, str] = {}
        self.added: dict[Address, float] = {}  # by somebody besides keepalived, and when
        self.tracks: dict[str, int] = {}
        self.strays: set[Address] = set()
        self.history: dict[Place, bool] = {}
        self.look: int | None = None
        self.note: Note | None = None
        self.boots = 1
        self.proxy: Proxy | None = None
        self.keepalived: Keepalived | None = None
        self.daemon: Daemon | None = None
        self.servers = [Server.WELL] * len(config.frontends[0].servers)
        self.cut_off = False
        self.cannot_start: set[Program] = set()
        self.cannot_write = False
        self.writes_since = 0.0
        self.vip_blocked = False
        self.dies_after: float | None = None
        self.edited = False
        self.jumped = 0.0
        self._pids = 0

    @property
    def boot(self) -> str:
        """Its boot_id."""
        return str(self.boots)

    def begin(self) -> None:
        """Systemd starts what is enabled."""
        if self.world.unit and self.keepalived is None:
            self.start(Program.KEEPALIVED)
        if self.daemon is None or not self.daemon.alive:
            if self.cannot_write:  # it ends at once, and is started again
                self.clock.after(1, self.begin)
            else:
                self.daemon = Daemon(self)

    def pid(self, program: Program) -> int | None:
        """Of the one that runs."""
        one = self.proxy if program is Program.PROXY else self.keepalived
        return one.pid if one else None

    def pid_of_both(self) -> tuple[int | None, int | None]:
        """Which processes run."""
        return self.pid(Program.PROXY), self.pid(Program.KEEPALIVED)

    @property
    def keeps(self) -> bool:
        """Its keepalived does its work, and its daemon guards it."""
        daemon = self.daemon
        guarded = daemon is not None and daemon.alive and not daemon.frozen
        return guarded and not (self.keepalived and self.keepalived.frozen)

    def start(self, program: Program) -> int | None:
        """Start a program; None where that fails."""
        if program in self.cannot_start:
            return None
        self._pids += 1
        pid = self._pids
        if program is Program.KEEPALIVED:
            self.keepalived = Keepalived(self, pid)
            return pid
        self.proxy = Proxy(pid, self.config, self.servers_seen, self.clock, self.random)
        if self.dies_after is not None:
            self.clock.after(self.dies_after, partial(self.end, program, pid))
        return pid

    def end(self, program: Program, pid: int | None = None) -> None:
        """SIGKILL, or a death of its own."""
        one = self.proxy if program is Program.PROXY else self.keepalived
        if one is None or pid not in {None, one.pid}:
            return
        one.alive = False
        self._ended(program, one.pid)

    def signal(self, program: Program, number: Signals) -> None:
        """A stopped process heeds SIGKILL alone."""
        one = self.proxy if program is Program.PROXY else self.keepalived
        if one is None or (one.frozen and number is not Signals.SIGKILL):
            return
        if number is Signals.SIGTERM and isinstance(one, Keepalived):
            one.terminate()
            self._ended(program, one.pid)
        else:
            self.end(program)

    def _ended(self, program: Program, pid: int) -> None:
        if program is Program.PROXY:
            self.proxy = None
        else:
            self.keepalived = None
        if self.daemon:
            self.daemon.child_ended(program, pid)

    @property
    def servers_seen(self) -> list[Server]:
        """How the API servers are from here."""
        return [Server.SILENT] * len(self.servers) if self.cut_off else self.servers

    def servers_changed(self) -> None:
        """The proxy is to find out."""
        for index, server in enumerate(self.servers_seen):
            if self.proxy:
                self.proxy.turned(index, server)

    @property
    def places(self) -> set[Place]:
        """Where every address is."""
        return {*self.addresses.items(), *((address, "lo") for address in self.strays)}

    def put(self, address: Address, interface: str, *, present: bool, by_keepalived: bool = True) -> None:
        """An address comes or goes, and netlink tells."""
        if present:
            self.addresses[address] = interface
        else:
            self.addresses.pop(address, None)
            self.added.pop(address, None)
        self.world.watch.moved(self)
        if self.daemon:
            self.daemon.netlink(AddressChanged(address, interface, present, by_keepalived=by_keepalived))

    def remove(self, address: Address, interface: str = "eth0") -> None:
        """Somebody besides keepalived takes an address off."""
        if interface == "lo":
            self.stray(address, present=False)
        elif address in self.addresses:
            self.put(address, "eth0", present=False, by_keepalived=False)
            if self.keepalived:
                self.keepalived.address_gone(address)

    def add(self, address: Address) -> None:
        """Somebody besides keepalived adds one."""
        if address not in self.addresses:
            self.added[address] = self.clock.now
            self.put(address, "eth0", present=True, by_keepalived=False)

    def stray(self, address: Address, *, present: bool = True) -> None:
        """Somebody adds one where keepalived does not want it, or takes it off there."""
        if present != (address in self.strays):
            (self.strays.add if present else self.strays.discard)(address)
            self.world.watch.moved(self)
            if self.daemon:
                self.daemon.netlink(AddressChanged(address, "lo", present, by_keepalived=False))

    def send(self, advert: Advert) -> None:
        """To every other node; the daemon's own socket hears it too."""
        if self.daemon and self.daemon.wire:
            self.daemon.wire.hear(advert, own=True)
        self.world.carry(self, advert)

    def hear(self, advert: Advert) -> None:
        """A packet has come."""
        if self.daemon and self.daemon.wire:
            self.daemon.wire.hear(advert, own=False)
        if self.keepalived:
            self.keepalived.hear(advert)

    def write(self, name: str, value: int) -> bool:
        """A track_file."""
        if self.cannot_write:
            return False
        self.tracks[name] = value
        if self.keepalived:
            self.keepalived.track_changed()
        return True

    def check(self) -> bool:
        """halbd-check: the daemon's answer or, where it gives none, a look of its own."""
        answer = self.daemon.answer() if self.daemon else None
        self.world.watch.asked(self, answer)
        if answer is not None and not answer.stale:
            return answer.ok
        proxy = self.proxy
        return proxy is not None and proxy.pid == self.look and proxy.meet().status == 200

    def mute(self, address: Address) -> tuple[Flow, ...]:
        """Connections through a VIP that left, whose clients could not be told."""
        return (Flow(self.config.node.address, 50000, address, 6443),) if self.random.random() < 0.3 else ()

    def meet(self, target: Target) -> Meeting:
        """What a probe meets."""
        if target.vip is not None and (self.vip_blocked or target.vip not in self.addresses):
            return Meeting(None, connected=False)
        return self.proxy.meet() if self.proxy else Meeting(0.0005, connected=False)
