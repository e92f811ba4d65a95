"""servers-lost-here: only the holder loses sight of the servers; another node could serve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from halbd.decide.timing import lag, proxy_drop_time
from halbd.lab import verdict
from halbd.lab.faults.base import PATIENCE, Fault, Stage, needs_two_nodes, until_moved
from halbd.lab.measure import Numbers
from halbd.lab.plan import StandIn
from halbd.lab.verdict import Finding
from halbd.model.config import Config, OnNoServers


def _packets(server: StandIn, ends: str) -> list[str]:
    """nft(8) expressions for the server's ports. By port, since a server may share its address with a node."""
    family = "ip" if server.address.version == 4 else "ip6"
    address, port = ("daddr", "dport") if ends == "to" else ("saddr", "sport")
    return [f"{family} {address} {server.address} tcp {port} {one.number}" for one in server.ports]


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    network, servers = stage.lab.network, stage.lab.plan.servers
    incoming = [expression for server in servers for expression in _packets(server, "from")]
    outgoing = [expression for server in servers for expression in _packets(server, "to")]
    injected = monotonic()
    table = await network.drop(stage.victim, incoming, outgoing)
    try:
        yield injected
    finally:
        await network.allow(stage.victim, table)


async def _observe(stage: Stage) -> None:
    """Longer than for other faults: the proxy must drop each server, and then the holder waits for the standbys."""
    config = stage.lab.plan.config
    noticing = max(proxy_drop_time(frontend) for frontend in config.frontends)
    await until_moved(stage, noticing + lag(config) + PATIENCE)


def _judge(config: Config, numbers: Numbers) -> tuple[Finding, ...]:
    if config.health.on_no_servers is OnNoServers.IGNORE:
        return (verdict.stayed(numbers),)
    back = (verdict.back(numbers),) if config.vrrp.preempt else ()
    return (verdict.moved(numbers), *back)


FAULT = Fault(
    name="servers-lost-here",
    summary="only the node that holds the VIP loses sight of the servers",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    holds="The VIP moves to a node that sees servers, and back (by `on_no_servers`).",
)
