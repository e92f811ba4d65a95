"""netlink-overrun: so many addresses come and go at once that the kernel drops its messages about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from time import monotonic

from halbd.lab import verdict
from halbd.lab.command import run
from halbd.lab.faults.base import AFTER, Fault, Stage, Where, needs_two_nodes
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config

CHANGES = 10_000
FIRST = IPv4Address("198.18.0.1")  # RFC 2544: for benchmarks
DEADLINE = 60.0  # seconds for ip(8) to make all the changes


def _lines(vip: str, interface: str) -> Iterator[str]:
    """Addresses of the loopback interface, and half way the VIP leaves."""
    half = CHANGES // 2
    yield from (f"address add {FIRST + n}/32 dev lo" for n in range(half))
    yield f"address del {vip} dev {interface}"
    yield from (f"address del {FIRST + n}/32 dev lo" for n in range(half))


@asynccontextmanager
async def _inflict(stage: Stage) -> AsyncIterator[float]:
    (config,) = (one for one in stage.lab.plan.configs if one.node.name == stage.victim)
    vip = config.vips[0]
    batch = "\n".join(_lines(str(vip), vip.interface)) + "\n"
    injected = monotonic()
    namespace = stage.lab.network.namespace(stage.victim)
    await run("ip", "-n", namespace, "-batch", "-", text=batch, deadline=DEADLINE)
    yield injected


async def _observe(stage: Stage) -> None:
    await stage.look_on(5 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    """The history is compared after every fault; what it is compared with must not be empty."""
    return (verdict.touched(numbers),)


FAULT = Fault(
    name="netlink-overrun",
    summary="10,000 addresses come and go in a burst on the node that holds the VIP, and the VIP half way",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_nodes,
    self_healing=True,
    where=Where.HOLDER,
    holds="No transition of the VIP is missing from history.",
)
