"""A model halbd: the real `step`, `next_due` and `verdict`; its loop and its hands are models of halbd/daemon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from halbd.daemon.owner import LONGEST_WAIT
from halbd.decide import draining
from halbd.decide.groups import groups
from halbd.decide.holding import sorted_out
from halbd.decide.step import next_due
from halbd.decide.verdict import verdict
from halbd.model.child import Program
from halbd.model.events import (
    AddressChanged,
    AddressesDumped,
    ConfigApplied,
    DrainRequested,
    Event,
    Exited,
    Spawned,
    StopRequested,
    Tick,
)
from halbd.model.evidence import Now
from halbd.model.maintenance import Note
from halbd.model.paths import FAULT, no_servers
from halbd.model.state import State
from halbd.model.verdict import Verdict
from tests.sim.clock import Clock
from tests.sim.hands import Hands
from tests.sim.seen import Seen
from tests.sim.wire import Wire

if TYPE_CHECKING:
    from tests.sim.node import Node

WALL = datetime(2026, 1, 1, tzinfo=UTC)
LATE = 0.0002
"""Seconds by which the loop wakes after its timer."""
DUMP = 0.002
"""Seconds that netlink needs to list all addresses."""


class Daemon:
    """One process. What it begins comes back as an event, unless it is dead by then."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.clock: Clock = node.clock
        self._step, self._watch = node.world.step, node.world.watch
        self.alive, self.frozen = True, False
        self.stopping = False
        self.seen = Seen()
        self._hands = Hands(self)
        self._inbox: list[Event] = []
        self._missed: list[Callable[[], None]] = []
        self.drains = 0
        self.wire: Wire | None = None
        self._busy = False
        self._due = 0.0
        self._armed: float | None = None
        self._watching = False
        self.state = self._first_state()
        self._take_over()

    @property
    def now(self) -> Now:
        mono = self.clock.now
        return Now(mono, WALL + timedelta(seconds=mono + self.node.jumped))

    def answer(self) -> Verdict | None:
        """GET /check: None where it does not answer."""
        return verdict(self.state, self.now) if self.alive and not self.frozen else None

    def post(self, event: Event) -> None:
        """Something has happened; it is taken in its turn."""
        self._inbox.append(event)
        self._turn()

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        missed, self._missed = self._missed, []
        for act in missed:
            act()
        self._turn()
        self.post(Tick())

    def kill(self) -> None:
        """SIGKILL."""
        self.alive = False

    def netlink(self, event: AddressChanged) -> None:
        """News of an address; an advert left before it."""
        if self._watching:
            self.clock.after(0.0002, partial(self._told, event))

    def _told(self, event: AddressChanged) -> None:
        if self.alive:
            if self.wire and not self.frozen:
                self.wire.glance()
            self.post(event)

    def miss(self, act: Callable[[], None]) -> None:
        """Something of its own that waits until it goes on."""
        self._missed.append(act)

    def deaf(self) -> None:
        """The kernel drops news."""
        self._watching = False

    def overrun(self) -> None:
        """It says so: the socket is dead, and a new one begins with a dump."""
        if self.alive:
            self.dump("missed in a netlink overrun")

    def later(self, seconds: float, event: Event) -> None:
        """An event that is under way."""
        self.clock.after(seconds, partial(self._arrive, event))

    def _arrive(self, event: Event) -> None:
        if self.alive:
            self.post(event)

    def _turn(self) -> None:
        if not self._inbox or self._busy or self.frozen or not self.alive:
            return
        self._busy = True
        while self._inbox and self.alive:
            self._take(self._inbox.pop(0))
        self._busy = False
        if self.alive:
            self._sleep()

    def _take(self, event: Event) -> None:
        now = self.now
        self.state, effects = self._step(self.state, event, now)
        self._watch.stepped(self.node, self, event, effects, now)
        for effect in effects:
            self._hands.perform(effect)

    def _sleep(self) -> None:
        due = next_due(self.state)
        self._watch.sleeps(self.node, due)
        now = self.clock.now
        self._due = now + (LONGEST_WAIT if due is None else min(LONGEST_WAIT, due - now + LATE))
        if self._armed is None or self._armed > self._due:
            self._arm()

    def _arm(self) -> None:
        self._armed = self._due
        self.clock.after(self._due - self.clock.now, partial(self._ring, self._due))

    def _ring(self, armed: float) -> None:
        """It was set for no later than what is due; anything that happened since may have put that off."""
        if armed != self._armed:
            return
        self._armed = None
        if self.clock.now < self._due:
            self._arm()
        elif self.alive and not self.frozen:
            self.post(Tick())

    def _first_state(self) -> State:
        """As halbd/daemon/start.py: what the track_files and the history say."""
        config, tracks, now = self.node.config, self.node.tracks, self.now
        for name, absent in [(FAULT, 1), *((no_servers(group), 0) for group in groups(config))]:
            if name not in tracks:
                self.node.write(name, absent)
        here = {place: now for place, gained in self.node.history.items() if gained}
        held, strays = sorted_out(config, here)
        note, boot = self.node.note, self.node.boot
        return State(
            maintenance=draining.resumed(note, boot, held=bool(held), now=now) if note else None,
            config=config,
            begun=now,
            keepalived_is_child=not self.node.world.unit,
            keepalived_is_unit=self.node.world.unit,
            held=held,
            strays=strays,
            pushed=dict(tracks),
            levels={group: tracks[no_servers(group)] for group in groups(config)},
        )

    def _take_over(self) -> None:
        if self.node.proxy is not None:
            self._inbox.append(Spawned(Program.PROXY, self.node.proxy.pid, 1, adopted=True))
        self._inbox.append(ConfigApplied(self.node.config))
        self.clock.after(0, self._turn)

    def child_ended(self, program: Program, pid: int) -> None:
        """Its pidfd."""
        if program is Program.PROXY or not self.node.world.unit:
            self.later(0.006, Exited(program, pid, "ended", self.node.random.random()))

    def dump(self, why: str) -> None:
        """Listen to netlink anew, from a list of all addresses on."""
        self._watching = False
        self.wire = self.wire or Wire(self)
        self.clock.after(DUMP, partial(self._dumped, why))

    def _dumped(self, why: str) -> None:
        if self.alive:
            self._watching = True
            self.later(0, AddressesDumped(frozenset(self.node.places), why))

    def drain(self, seconds: float | None, *, force: bool) -> None:
        """`halbctl drain`: noted first."""
        now = self.now
        end = None if seconds is None else now.mono + seconds
        wall = None if seconds is None else now.wall + timedelta(seconds=seconds)
        self.node.note = Note(now.wall, seconds, wall, self.node.boot, end, force)
        self.drains += 1
        self.post(DrainRequested(now.wall, end, force, self.drains))

    def stop(self) -> None:
        """SIGTERM."""
        self.stopping = True
        self.post(StopRequested())
