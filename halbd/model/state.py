"""The whole state of the daemon; one task owns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from halbd.model.child import Child
from halbd.model.config import Address, Config
from halbd.model.evidence import Held, Now, ProbeResult, ProxyView, Streak
from halbd.model.flow import Flow
from halbd.model.guard import Guard, Place
from halbd.model.maintenance import Maintenance
from halbd.model.transition import Transition
from halbd.model.verdict import Cause


@dataclass(frozen=True)  # without slots: see replacing.py
class Series:
    """One probe's history as far as it matters: `due` is the monotonic time of the next question.

    `blamed`: its failures are laid on this node, not on a server that the proxy may still be about to drop.
    """

    due: float
    streak: Streak = field(default_factory=Streak)
    last: ProbeResult | None = None
    asking: bool = False
    begun: float = 0
    blamed: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ServerRef:
    """One server behind one frontend; a host name may have several addresses."""

    frontend: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A VIP that went unserved here is left alone `until` then (monotonic), for the `count`th time in a row."""

    since: Now
    until: float
    count: int


@dataclass(frozen=True, slots=True)
class Parting:
    """A VIP has left: at `due` (monotonic) its connections are ended or, once `asked`, waited for no longer.

    `mute`: they are ended, but these could not be told: they are poked at `due`, and `again` after so many seconds.
    """

    due: float
    mute: tuple[Flow, ...] = ()
    again: tuple[float, ...] = ()
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Changing:
    """The proxy takes up another config: before `until` a failure to connect counts only in these places, of both."""

    places: frozenset[tuple[Address, int]]
    until: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """A config that is on disk and not in force."""

    at: datetime
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mended:
    """Files in force that somebody had changed, and that were put right; what was there is in the folder `kept`.

    `complaint`: why the proxy had refused that, in its words, if it had. `times` in a row, each within a
    day of the one before; the last at `mono` (monotonic).
    """

    at: datetime
    files: tuple[str, ...]
    kept: str
    complaint: str
    times: int
    mono: float


@dataclass(frozen=True, slots=True)
class Stopping:
    """SIGTERM has come. `since` is monotonic; `faulted` once the verdict itself was withdrawn."""

    since: Now
    faulted: float | None = None


@dataclass(frozen=True)  # without slots: see replacing.py
class Pause:
    """New connections wait for a VIP that is about to move; `over`: they have waited, in this offer of it."""

    over: bool = False


@dataclass(frozen=True, slots=True)
class KeptOut:
    """An earlier daemon ended while new connections waited, and they still do: `why`."""

    why: str
    since: Now


@dataclass(frozen=True)  # without slots: see replacing.py
class State:
    """Everything halbd knows and intends. Mappings are replaced, never changed.

    `proven`: the proxy that runs now has been seen to work, so later failures of a probe are first laid on servers.
    `blind_since` and `sight_since`: when the proxy last lost sight of all servers, or got it back (monotonic).
    `strays`: since when a VIP is on an interface that is not its own.
    `levels`: per VIP group, how far its VRRP priority is lowered (0, 1 blind holder, 2 blind standby, or offered).
    `down`: since when the proxy has a server down (monotonic); `cut`: those whose connections were cut.
    `mute`: why the proxy that runs cannot be asked, where somebody has removed its sockets.
    `kept_out`: the proxy that runs lets in no new connection from outside, which halbd's own probes do not see.
    `taken_up`: the proxy that runs was seen to serve the generation in force.
    `changing`: the proxy takes up another config than it serves, or did when that began.
    `installed`: the config whose files are in force, and `serves`: the one that the proxy serves; each where it is not
    `config`, which is what the node as a whole is on, and in a change comes last.
    `marked`: the generation in force, since `applied`, has been seen to work.
    `pushed`: what the track_files hold. `unpushed`: what could not be written into others, due again at `push_due`.
    `barred`: VIPs that went unserved here.
    `maintenance`: the operator has drained this node, or is about to.
    `guard`: what is known of keepalived besides its process.
    `parting`: VIPs that have left, and whose connections are being ended.
    `pause`: new connections wait, or have waited, for the offered VIPs to move.
    `said`: the verdict that was last logged: may this node hold the VIP, and what speaks against it.
    `unwritten`: transitions that are in no file yet, and `unwritten_why`.
    `upgrade_failed`: why the newly installed program could not be executed.
    """

    config: Config
    begun: Now
    keepalived_is_child: bool = False
    keepalived_is_unit: bool = False
    proxy: Child = field(default_factory=Child)
    keepalived: Child = field(default_factory=Child)
    mute: str = ""
    kept_out: KeptOut | None = None
    series: Mapping[str, Series] = field(default_factory=dict)
    admin: Series = field(default_factory=lambda: Series(due=0))
    view: ProxyView | None = None
    proven: bool = False
    blind_since: Now | None = None
    sight_since: float | None = None
    held: Mapping[Address, Held] = field(default_factory=dict)
    strays: Mapping[Place, Now] = field(default_factory=dict)
    role_since: Mapping[Address, Now] = field(default_factory=dict)
    barred: Mapping[Address, Bar] = field(default_factory=dict)
    parting: Mapping[Address, Parting] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    pushed: Mapping[str, int] = field(default_factory=dict)
    transitions: tuple[Transition, ...] = ()
    applied: Now | None = None
    rejected: Rejected | None = None
    mended: Mended | None = None
    stopping: Stopping | None = None
    keepalived_look_due: float = 0
    unpushed: Mapping[str, int] = field(default_factory=dict)
    push_due: float = 0
    generation_looked: float = 0
    taken_up: bool = False
    changing: Changing | None = None
    installed: Config | None = None
    serves: Config | None = None
    marked: bool = False
    down: Mapping[ServerRef, float] = field(default_factory=dict)
    cut: frozenset[ServerRef] = frozenset()
    said: tuple[bool, tuple[Cause, ...]] = (False, ())
    unwritten: int = 0
    unwritten_why: str = ""
    upgrade_failed: str = ""
    maintenance: Maintenance | None = None
    pause: Pause | None = None
    guard: Guard = field(default_factory=Guard)
