"""What the kernels of the stand-ins, and of the nodes, have of TCP connections, by ss(8)."""

from __future__ import annotations

import re

from halbd.lab import namespaces
from halbd.lab.command import run
from halbd.lab.lab import Lab

ESTABLISHED = ("ss", "--tcp", "--numeric", "--no-header", "state", "established")


async def connections_from(lab: Lab, node: str) -> tuple[str, ...]:
    """Those from that node which its servers take for established, as "client -> server". Raises LabError."""
    (machine,) = (one for one in lab.plan.nodes if one.name == node)
    own = {str(address.ip) for link in machine.links for address in link.addresses}
    found = []
    for server in lab.plan.servers:
        text = await run(*namespaces.inside(lab.network.namespace(server.machine)), *ESTABLISHED)
        ends = (line.split()[2:4] for line in text.splitlines())
        pairs = ((here, there) for here, there in ends if host(here) == str(server.address) and host(there) in own)
        found += [f"{there} -> {here}" for here, there in pairs]
    return tuple(found)


async def busy(lab: Lab, node: str) -> frozenset[int]:
    """The processes on that node to which a client is connected through one of the frontends. Raises LabError."""
    ports = {str(frontend.port) for frontend in lab.plan.config.frontends}
    text = await run(*namespaces.inside(lab.network.namespace(node)), *ESTABLISHED, "--processes")
    lines = (line for line in text.splitlines() if line.split()[2].rpartition(":")[2] in ports)
    return frozenset(int(pid) for line in lines for pid in re.findall(r"\bpid=(\d+)", line))


def host(end: str) -> str:
    """The address of "10.0.0.1:6443" or "[fd00::1]:6443"; an IPv4 address in an IPv6 socket is one of IPv4."""
    return end.rpartition(":")[0].strip("[]").removeprefix("::ffff:")
