"""vip-deleted, vip-added, vip-added-elsewhere: somebody, or another program, touches the VIP's address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TypeAlias

from halbd.lab import ask, verdict
from halbd.lab.command import run
from halbd.lab.errors import LabError
from halbd.lab.faults.base import AFTER, GLANCE, Fault, Stage, Where, needs_two_nodes
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config, Vip
from halbd.render.keepalived import REFRESH

Row: TypeAlias = dict[str, str]

NOTICED = 1.0  # seconds until the history says it
RIGHT = 1.0  # seconds for which two nodes, or none, may hold the VIP


def _vip(stage: Stage, node: str) -> Vip:
    """The first one, as `node` sees it."""
    (config,) = (one for one in stage.lab.plan.configs if one.node.name == node)
    return config.vips[0]


def _other(stage: Stage) -> str:
    """A node that does not hold the VIP. Raises LabError."""
    holders = stage.lab.holders.snapshot()[0][1]
    for node in stage.lab.plan.nodes:
        if node.name not in holders:
            return node.name
    raise LabError("cannot add the VIP elsewhere: every node holds it")


@asynccontextmanager
async def _inflict(stage: Stage, *, add: bool, interface: str | None) -> AsyncIterator[float]:
    node = _other(stage) if add else stage.victim
    vip, namespace = _vip(stage, node), stage.lab.network.namespace(node)
    where = interface or vip.interface
    known, change = await _rows(stage, node), "gained" if add else "lost"
    word, wall = ("add" if add else "del"), datetime.now(UTC)
    injected = monotonic()
    await run("ip", "-n", namespace, "address", word, str(vip), "dev", where)
    await _ask_anew(stage, vip)
    row = await _noticed(stage, node, lambda one: _is(one, vip, change) and one not in known)
    stage.found.extend(_told(row, where, change, wall))
    yield injected


async def _ask_anew(stage: Stage, vip: Vip) -> None:
    """The client forgets who has the VIP: one that comes to ask just now may be answered by the wrong node (arp(7))."""
    network = stage.lab.network
    await run("ip", "-n", network.namespace(stage.lab.plan.client.name), "neighbour", "flush", "to", str(vip.address))


async def _rows(stage: Stage, node: str) -> list[Row]:
    """What the node's status has of its history. Stamps do not order it: somebody may have set the clock."""
    status = await ask.status(stage.lab.paths(node).socket) or {}
    rows: list[Row] = status.get("transitions", [])
    return rows


async def _noticed(stage: Stage, node: str, wanted: Callable[[Row], bool]) -> Row | None:
    end = monotonic() + 3 * NOTICED
    row = None
    while row is None and monotonic() < end:
        row = next(filter(wanted, await _rows(stage, node)), None)
        await stage.look_on(GLANCE)
    return row


def _told(row: Row | None, where: str, change: str, since: datetime) -> Iterator[Finding]:
    """The node's own history says it, in time, with the interface and that it was done by hand."""
    took = None if row is None else (datetime.fromisoformat(row["at"]) - since).total_seconds() * 1000
    yield verdict.within(f"{change} in the history", took, NOTICED)
    named, cause = (str((row or {}).get(key)) for key in ("interface", "cause"))
    yield Finding("its interface", where, named, named == where)
    yield Finding("its cause", "by somebody else", cause, "by somebody else" in cause)


def _is(row: Row, vip: Vip, change: str) -> bool:
    return row["vip"] == str(vip.address) and row["change"] == change


async def _observe(stage: Stage) -> None:
    await stage.look_on(5 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (
        verdict.both_at_most(numbers, RIGHT),
        verdict.none_at_most(numbers, RIGHT),
        verdict.within("one holder", numbers.one_holder_ms, RIGHT),
        verdict.outage(numbers, RIGHT + REFRESH),
    )


def _fault(name: str, summary: str, *, add: bool, interface: str | None = None) -> Fault:
    return Fault(
        name=name,
        summary=summary,
        inflict=partial(_inflict, add=add, interface=interface),
        observe=_observe,
        judge=_judge,
        impossible=needs_two_nodes,
        self_healing=True,
        where=Where.HOLDER,
        holds="History says it within 1 s and names the interface; one node holds the VIP again within 1 s; "
        "a client that asks for it meanwhile is served within 2 s.",
    )


DELETED = _fault("vip-deleted", "somebody deletes the VIP's address on the node that holds it", add=False)
ADDED = _fault("vip-added", "somebody adds the VIP's address on a node that does not hold it", add=True)
ELSEWHERE = _fault(
    "vip-added-elsewhere",
    "somebody adds the VIP's address to the loopback interface of a node that does not hold it",
    add=True,
    interface="lo",
)
