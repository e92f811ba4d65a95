"""Drives `step` with a clock of its own: no socket, no sleep, no mock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from halbd.decide.step import next_due, step
from halbd.decide.verdict import active_targets, verdict
from halbd.model.child import Program
from halbd.model.config import Address, Config
from halbd.model.effects import DrainSettled, Effect, Probe, Push
from halbd.model.events import (
    AddressChanged,
    DrainRequested,
    Event,
    Exited,
    ProbeDone,
    ProxySeen,
    ProxySilent,
    Spawned,
    TakenUp,
    Tick,
)
from halbd.model.evidence import FrontendView, Now, ProbeResult, ProxyView, ServerState, ServerView, Target
from halbd.model.maintenance import Outcome
from halbd.model.state import State
from halbd.model.verdict import Verdict
from tests.sample import config

T = TypeVar("T", bound=Effect)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DRAIN = DrainRequested(BEGIN, None, force=False, number=1)


class Driver:
    """One node's state, its effects so far, and the time."""

    def __init__(self, one: Config | None = None, *, child: bool = True) -> None:
        self.mono = 1000.0
        self.latency = 0.01
        self.jump = timedelta()  # how far somebody has set the wall clock on
        config_ = one or config()
        self.state = State(config_, self.now, keepalived_is_child=child, pushed={"fault": 1, "no_servers.lb1": 0})
        self.effects: list[Effect] = []

    @property
    def now(self) -> Now:
        return Now(self.mono, BEGIN + self.jump + timedelta(seconds=self.mono))

    @property
    def verdict(self) -> Verdict:
        return verdict(self.state, self.now)

    @property
    def vip(self) -> Address:
        return self.state.config.vips[0].address

    @property
    def causes(self) -> list[str]:
        return [reason.cause.value for reason in self.verdict.reasons]

    @property
    def fault(self) -> int:
        return self.state.pushed["fault"]

    @property
    def level(self) -> int:
        return self.state.pushed["no_servers.lb1"]

    def post(self, *events: Event) -> list[Effect]:
        """Let events happen now; gives what halbd does."""
        done: list[Effect] = []
        for event in events:
            self.state, effects = step(self.state, event, self.now)
            done += effects
        self.effects += done
        return done

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, waking up whenever the state says so."""
        end, done = self.mono + seconds, list[Effect]()
        while (due := next_due(self.state)) is not None and due <= end:
            self.mono = max(self.mono, due)
            before = next_due(self.state)
            done += self.post(Tick())
            after = next_due(self.state)
            assert after is None or before is None or after > before, f"awake for nothing at {before}"
        self.mono = end
        return done

    def spawned(self, pid: int = 100, *, adopted: bool = False) -> None:
        self.post(Spawned(Program.PROXY, pid, 1, adopted=adopted), TakenUp())

    def died(self, pid: int = 100) -> list[Effect]:
        return self.post(Exited(Program.PROXY, pid, "killed by SIGKILL", 0.0))

    def answer(self, *, ok: bool = True, connected: bool = True) -> None:
        """Answer every probe that is being asked."""
        for name in list(self.state.series):
            self.answer_one(name, ok=ok, connected=connected)

    def target(self, name: str) -> Target:
        """What is asked now under that name."""
        return next(one for one in active_targets(self.state) if one.name == name)

    def answer_one(self, name: str, *, ok: bool = True, connected: bool = True) -> None:
        """Answer one probe, if it is being asked."""
        if self.state.series[name].asking:
            status, error = (200, "") if ok else (None, "no answer")
            self.post(ProbeDone(ProbeResult(self.target(name), ok, connected, status, self.latency, self.now, error)))

    def look(self, *, up: int = 3, silent: bool = False) -> None:
        """Answer the question to the admin socket, if it is being asked."""
        if self.state.admin.asking:
            self.post(ProxySilent("no answer") if silent else ProxySeen(view(self.state.config, up)))

    def live(
        self, seconds: float, *, ok: bool = True, connected: bool = True, up: int = 3, silent: bool = False
    ) -> None:
        """Time passes, and everything that is asked is answered in the same way at once."""
        end = self.mono + seconds
        for _ in range(2):  # an answer that was overdue is followed by the next question at once
            self.look(up=up, silent=silent)
            self.answer(ok=ok, connected=connected)
        while (due := next_due(self.state)) is not None and due <= end:
            self.mono = max(self.mono, due)
            self.post(Tick())
            self.look(up=up, silent=silent)
            self.answer(ok=ok, connected=connected)
        self.mono = end

    def hold(self, *, present: bool = True) -> list[Effect]:
        vip = self.state.config.vips[0]
        return self.post(AddressChanged(vip.address, vip.interface, present))


def running(one: Config | None = None, *, holder: bool = False) -> Driver:
    """A node whose proxy runs and has been well for a while."""
    driver = Driver(one)
    driver.post(Tick())
    driver.spawned()
    driver.post(Spawned(Program.KEEPALIVED, 200, 1))
    driver.live(3)
    if holder:
        driver.hold()
        driver.live(2)
    return driver


def of(kind: type[T], effects: list[Effect]) -> list[T]:
    return [effect for effect in effects if isinstance(effect, kind)]


def pushes(effects: list[Effect]) -> dict[str, int]:
    return {push.name: push.value for push in of(Push, effects)}


def asked(effects: list[Effect]) -> list[str]:
    return [probe.target.name for probe in of(Probe, effects)]


def outcomes(effects: list[Effect]) -> list[Outcome]:
    return [settled.outcome for settled in of(DrainSettled, effects)]


def drained(node: Driver) -> bool:
    return node.state.maintenance is not None and node.state.maintenance.withdrawn is not None


def view(one: Config, up: int) -> ProxyView:
    """The first `up` servers of every frontend are up."""
    return ProxyView(
        tuple(
            FrontendView(
                f.name,
                tuple(
                    ServerView(s.name, f"{s.address}:{s.port}", ServerState.UP if i < up else ServerState.DOWN, "L7OK")
                    for i, s in enumerate(f.servers)
                ),
            )
            for f in one.frontends
        )
    )


__all__ = ["Driver", "asked", "drained", "of", "outcomes", "pushes", "running", "view"]
