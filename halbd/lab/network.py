"""The lab's network: one bridge, one namespace per machine, and the cuts that faults make in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from halbd.lab import names, namespaces
from halbd.lab.command import run
from halbd.lab.layout import Machine
from halbd.lab.plan import Plan

TABLE = "halbd_lab"
COUNTER = re.compile(r"counter packets (\d+)")  # nft(8), COUNTER STATEMENT


class Network:
    """Built from a plan; `prefix` is what the names of its namespaces start with."""

    def __init__(self, plan: Plan, prefix: str) -> None:
        self._plan = plan
        self._prefix = prefix
        self._ports: dict[str, list[str]] = {}
        self._tables = 0

    def namespace(self, machine: str) -> str:
        """The namespace of the machine of that name."""
        return self._prefix + machine

    async def build(self) -> None:
        """Make it all. Raises LabError; what was made by then is found again by its prefix."""
        switch = await self._add(self._plan.switch)
        # STP would keep a port silent for 30 s, and snooping would hold multicast adverts back until a querier asks.
        await self._ip(switch, ["link add br0 type bridge stp_state 0 mcast_snooping 0", "link set br0 up"])
        for machine in self._plan.machines:
            await self._join(machine, switch)

    async def _add(self, machine: str) -> str:
        namespace = self.namespace(machine)
        self._write_names(namespace)
        await run("ip", "netns", "add", namespace)
        await self._ip(namespace, ["link set lo up"])
        return namespace

    def _write_names(self, namespace: str) -> None:
        """Names are the DNS's alone: who has one in /etc/hosts asks nobody."""
        if self._plan.names:
            files = namespaces.etc(namespace)
            files.mkdir(parents=True)
            (files / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
            (files / "resolv.conf").write_text(f"nameserver {names.ADDRESS}\n")

    async def _join(self, machine: Machine, switch: str) -> None:
        namespace = await self._add(machine.name)
        await self._tune(machine, namespace)
        ports = self._ports.setdefault(machine.name, [])
        for link in machine.links:
            port = f"p{sum(map(len, self._ports.values()))}"
            ports.append(port)
            peer = f"link add {port} type veth peer name {link.interface} netns {namespace}"
            await self._ip(switch, [peer, f"link set {port} master br0 up"])
            await self._ip(namespace, [f"link set {link.interface} up"])
            nodad = {4: "", 6: " nodad"}
            adding = [f"addr add {a} dev {link.interface}{nodad[a.version]}" for a in link.addresses]
            await self._ip(namespace, adding)
        first = machine.links[0]
        await self._ip(namespace, [f"route add {to}/{to.max_prefixlen} dev {first.interface}" for to in first.routes])

    async def _tune(self, machine: Machine, namespace: str) -> None:
        """Kernel settings, before there are interfaces that would miss them (ip-sysctl)."""
        settings = {}
        if any(address.version == 6 for link in machine.links for address in link.addresses):
            settings["ipv6/conf/default/accept_dad"] = "0"
        if len(machine.links) > 1:  # two interfaces on one bridge: each answers for its own addresses alone
            settings |= {"ipv4/conf/all/arp_ignore": "1", "ipv4/conf/all/arp_announce": "2"}
        for key, value in settings.items():
            await run(*namespaces.inside(namespace), "tee", str(Path("/proc/sys/net") / key), text=value)

    @staticmethod
    async def _ip(namespace: str, lines: Iterable[str]) -> None:
        await run("ip", "-n", namespace, "-batch", "-", text="\n".join(lines) + "\n")

    async def plug(self, machine: str, *, into: bool) -> None:
        """Connect or cut the machine at the switch: it sees the carrier come or go, as with a pulled cable."""
        word = "up" if into else "down"
        await self._ip(self.namespace(self._plan.switch), [f"link set {port} {word}" for port in self._ports[machine]])

    async def drop(self, machine: str, incoming: Iterable[str], outgoing: Iterable[str]) -> str:
        """Drop what matches any of the nft(8) expressions in the machine's own namespace; returns what undoes it."""
        self._tables += 1
        table = f"{TABLE}_{self._tables}"
        chains = {"input": incoming, "output": outgoing}
        lines = [f"table inet {table} {{"]
        for hook, expressions in chains.items():
            lines.append(f"chain {hook} {{ type filter hook {hook} priority 0; policy accept;")
            lines += [f"{expression} counter drop" for expression in expressions]
            lines.append("}")
        rules = "\n".join([*lines, "}"]) + "\n"
        await run(*namespaces.inside(self.namespace(machine)), "nft", "-f", "-", text=rules)
        return table

    async def dropped(self, machine: str) -> int:
        """How many packets every drop() in force there has dropped so far."""
        rules = await run(*namespaces.inside(self.namespace(machine)), "nft", "list", "ruleset")
        return sum(map(int, COUNTER.findall(rules)))

    async def allow(self, machine: str, table: str) -> None:
        """Take back what one drop() did."""
        await run(*namespaces.inside(self.namespace(machine)), "nft", "delete", "table", "inet", table)
