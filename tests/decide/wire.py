"""What a node hears on the wire and sees of keepalived while time passes; drives it as `Driver` does."""

from __future__ import annotations

from ipaddress import ip_address

from halbd.model.adverts import Advert, Claim
from halbd.model.config import Address
from halbd.model.effects import Effect, KillKeepalivedUnit, RemoveAddress, Say, Signal
from halbd.model.events import AdvertsHeard, KeepalivedLooked
from halbd.model.guard import Sign
from tests.decide.driver import Driver, of, running

OURS, PEER, STRANGER = ip_address("10.10.50.2"), ip_address("10.10.50.3"), ip_address("10.10.50.77")
TURN = 0.2  # seconds between two readings of the wire, as the daemon takes them


class Wire:
    """What is heard while time passes: who speaks, on what is in `speaking` (source to priority)."""

    def __init__(self, node: Driver) -> None:
        self.node = node
        self.since = node.mono
        self.speaking: dict[Address, int] = {}
        self.last: dict[Address, Claim] = {}
        self.vips = frozenset({node.vip})

    def turn(self) -> list[Effect]:
        """One reading."""
        for source, priority in self.speaking.items():
            advert = Advert(source, 4, priority, self.vips)
            self.last[source] = Claim(advert, "eth0", source == OURS, self.node.mono)
        return self.node.post(AdvertsHeard(tuple(self.last.values()), self.since, self.node.mono))

    def live(self, seconds: float, **signs: frozenset[Sign]) -> list[Effect]:
        """Time passes; probes are answered, the wire is read, keepalived is looked at once a second."""
        done: list[Effect] = []
        for turn in range(round(seconds / TURN)):
            before = len(self.node.effects)
            self.node.live(TURN)
            self.turn()
            if turn % 5 == 4:
                pid = self.node.state.keepalived.pid or 0
                self.node.post(KeepalivedLooked(pid, signs.get("signs", frozenset())))
            done += self.node.effects[before:]
        return done


def wired(*, holder: bool, speaking: dict[Address, int] | None = None, node: Driver | None = None) -> Wire:
    """A node that has been well, and listening, for a while."""
    wire = Wire(node or running())
    wire.speaking = speaking if speaking is not None else {OURS: 254} if holder else {PEER: 253}
    wire.live(3)
    if holder:
        wire.node.hold()
        wire.live(3)
    return wire


def removed(effects: list[Effect]) -> bool:
    return bool(of(RemoveAddress, effects))


def said(effects: list[Effect]) -> list[str]:
    return [say.event for say in of(Say, effects)]


def killed(effects: list[Effect]) -> bool:
    return bool(of(Signal, effects) or of(KillKeepalivedUnit, effects))
