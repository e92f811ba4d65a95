"""server-renumbered: an API server that is given by name gets another address, and the old one ends."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

from halbd.lab import layout, namespaces, verdict
from halbd.lab.command import run
from halbd.lab.connections import host
from halbd.lab.errors import LabError
from halbd.lab.faults.base import AFTER, GLANCE, Cost, Fault, Stage, Where
from halbd.lab.measure import Numbers
from halbd.lab.names import TTL
from halbd.lab.plan import Plan, StandIn
from halbd.lab.verdict import Finding
from halbd.model.config import Config

ASKED = 1.0  # seconds between two questions of either proxy (docs/decisions/0007)
FOLLOWED = 10.0  # seconds after which nobody waits any more


def _named(plan: Plan) -> StandIn | None:
    """The first server that the file gives by name."""
    return next((one for one in plan.servers if one.written != str(one.address)), None)


def _impossible(plan: Plan) -> str:
    if _named(plan) is None:
        return "no server is given by a name of the DNS"
    return "" if len(plan.config.frontends[0].servers) > 1 else "there is only one server"


def _moved(plan: Plan, server: StandIn) -> StandIn:
    """The same server at an address that nobody has."""
    interfaces = [address for machine in plan.machines for link in machine.links for address in link.addresses]
    (home,) = {one.network for one in interfaces if one.ip == server.address}
    vips = (vip.address for vip in plan.config.vips)
    address = next(layout.spare(home, (*vips, *(one.ip for one in interfaces))))
    return replace(server, written=f"{server.written} at {address}", address=address)


async def _reached(stage: Stage, server: StandIn) -> float:
    """Seconds until the holder of the VIP sends connections there. Raises LabError."""
    place = f"[{server.address}]" if server.address.version == 6 else str(server.address)
    words = ("ss", "--tcp", "--numeric", "--no-header", "--all", "src", place)
    (node,) = (str(one.address) for one in stage.lab.plan.nodes if one.name == stage.victim)
    begun = monotonic()
    while monotonic() - begun < FOLLOWED:
        text = await run(*namespaces.inside(stage.lab.network.namespace(server.machine)), *words)
        if any(host(end) == node for line in text.splitlines() for end in line.split()[4:5]):
            break
        await sleep(GLANCE)
    return monotonic() - begun


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    lab, old = stage.lab, _named(stage.lab.plan)
    if old is None:
        raise LabError("cannot renumber a server: none is given by name")
    new = _moved(lab.plan, old)
    place = ("ip", "-n", lab.network.namespace(new.machine), "address")
    address = (f"{new.address}/{new.address.max_prefixlen}", "dev", "eth0")
    await run(*place, "add", *address, *(["nodad"] if new.address.version == 6 else []))
    await lab.start_server(new)
    injected, ended = monotonic(), False
    lab.names.answer((name, new.address if name == old.written else at) for name, at in lab.plan.names)
    try:
        took, limit = await _reached(stage, new), ASKED + TTL + verdict.SLACK + AFTER
        stage.found.append(verdict.within("the name was followed", took * 1000, limit))
        await lab.kill_server(old)
        ended = True
        yield injected
    finally:
        if ended:
            await lab.start_server(old)
        lab.names.answer(lab.plan.names)
        await _reached(stage, old)
        await lab.kill_server(new)
        await run(*place, "delete", *address)


async def _observe(stage: Stage) -> None:
    await stage.look_on(2 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return (verdict.stayed(numbers), verdict.none_failed(numbers))


FAULT = Fault(
    name="server-renumbered",
    summary="an API server that is given by name gets another address in the DNS, and the old one ends",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=_impossible,
    elsewhere=Cost.MOVE,
    where=Where.HOLDER,
    holds="The holder follows within some seconds, without a reload; nothing moves; no new connection fails.",
)
