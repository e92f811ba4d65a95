"""What must come to its end: an offer, a drain, a stop. Each is looked at again when it should have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from halbd.decide.handover import offer_time
from halbd.model.events import DrainRequested, Event, StopRequested, UndrainRequested

if TYPE_CHECKING:
    from tests.sim.daemon import Daemon
    from tests.sim.node import Node
    from tests.sim.seen import Seen
    from tests.sim.watch import Watch

STOPPED = 12.0
"""Seconds in which a stop ends: the offer, the withdrawal, SIGTERM, SIGKILL."""
OFFERED = 0.5
"""Seconds beyond the offer in which a drain has an outcome."""
DRAINED = 0.1
"""Seconds beyond the end that was asked for in which a drain is over."""


class Ends:
    """Tells the watch of what goes on for too long."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def learn(self, node: Node, daemon: Daemon, event: Event) -> None:
        """Something begins that must end."""
        seen, clock = daemon.seen, daemon.clock
        match event:
            case DrainRequested(until=until):
                seen.draining, seen.until = clock.now, until
                wait = offer_time(daemon.state.config) + OFFERED
                clock.after(wait, partial(self._offered, node, daemon, wait))
                if until is not None:
                    clock.after(until - clock.now + DRAINED, partial(self._drained, node, daemon, until))
            case UndrainRequested():
                seen.until = None
            case StopRequested():
                seen.stopping = clock.now
                clock.after(STOPPED, partial(self._stopped, node, daemon))
            case _:
                pass

    def finished(self, node: Node, seen: Seen) -> None:
        """A daemon that goes has ended the proxy: nobody would answer on a VIP that stays."""
        left = [one for one in node.addresses if node.added.get(one, -1) < seen.stopping]
        if left and self._watch.disturbed.get(node.name, 0) <= seen.stopping:
            self._watch.broken(node, f"its daemon has stopped, and left {left}")

    def _stopped(self, node: Node, daemon: Daemon) -> None:
        if self._works(daemon) and self._calm(node, STOPPED):
            self._watch.broken(node, f"still there {STOPPED} s after SIGTERM")

    def _offered(self, node: Node, daemon: Daemon, wait: float) -> None:
        begun = daemon.seen.draining
        waited = begun is not None and daemon.clock.now - begun >= wait
        if self._works(daemon) and waited and self._calm(node, wait):
            self._watch.broken(node, f"no outcome of a drain within {wait:g} s")

    def _drained(self, node: Node, daemon: Daemon, until: float) -> None:
        """No fault puts it off: the daemon alone ends it, by its own clock."""
        if self._works(daemon) and daemon.seen.until == until and daemon.state.maintenance is not None:
            self._watch.broken(node, f"still drained, {DRAINED} s after the end that was asked for")

    @staticmethod
    def _works(daemon: Daemon) -> bool:
        return daemon.alive and not daemon.frozen

    def _calm(self, node: Node, seconds: float) -> bool:
        """No fault has begun or ended there for so long."""
        return node.clock.now - self._watch.disturbed.get(node.name, 0) >= seconds
