"""Two or three nodes, the network between them and the servers behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from ipaddress import ip_interface
from pathlib import Path
from random import Random

from halbd.decide.step import Step, step
from halbd.model.adverts import Advert
from halbd.model.config import Address, Config
from halbd.model.events import Event
from halbd.model.evidence import Now
from halbd.model.host import Host, HostAddress
from halbd.model.state import State
from halbd.parse.parse import parse
from tests.sample import read, sample_yaml
from tests.sim.clock import Clock
from tests.sim.node import Node
from tests.sim.proxy import Server
from tests.sim.watch import Watch

FLIGHT = 0.0003
"""Seconds that a packet travels."""

StepFunction = Callable[[State, Event, Now], Step]


@dataclass(frozen=True, slots=True)
class Setting:
    """What differs from cluster to cluster. `unit`: systemd runs keepalived, not halbd."""

    nodes: int = 2
    vips: int = 1
    preempt: bool = True
    on_no_servers: str = "lower_priority"
    advert_int: float = 0.2
    unit: bool = False


def random_setting(random: Random, nodes: int) -> Setting:
    """Any that the parser accepts: without preemption a lowered priority moves nothing."""
    preempt = random.random() < 0.75
    return Setting(
        nodes=nodes,
        vips=random.choice((1, 1, 2)),
        preempt=preempt,
        on_no_servers=random.choice(
            ("lower_priority", "lower_priority", "fail", "ignore") if preempt else ("fail", "ignore")
        ),
        advert_int=random.choice((0.1, 0.2, 1)),
        unit=random.random() < 0.25,
    )


class World:
    """All of it. `step` is the real one, except where a test shows that a broken one is noticed."""

    def __init__(self, seed: str, setting: Setting, step: StepFunction = step) -> None:
        self.setting, self.unit, self.step = setting, setting.unit, step
        self.clock, self.random = Clock(), Random(seed)  # noqa: S311  # a run that can be repeated, not a secret
        self.watch = Watch(self)
        self.lost: dict[tuple[str, str], float] = {}
        self.nodes = [
            Node(self, one, Random(f"{seed} {one.node.name}"))  # noqa: S311  # as above
            for one in configs(setting)
        ]
        for node in self.nodes:
            self.clock.after(self.random.uniform(0, 2), node.begin)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.run(seconds)

    def carry(self, sender: Node, advert: Advert) -> None:
        """A packet to every other node, where the network lets it through."""
        for node in self.nodes:
            if node is sender:
                continue
            chance = self.lost.get((sender.name, node.name), 0) if self.lost else 0
            if not (chance and self.random.random() < chance):
                self.clock.after(FLIGHT, partial(node.hear, advert))

    def set_server(self, index: int, server: Server) -> None:
        """An API server changes, for all."""
        for node in self.nodes:
            node.servers[index] = server
            node.servers_changed()

    def holders(self, vip: Address) -> list[Node]:
        """Who has the address."""
        return [node for node in self.nodes if vip in node.addresses]


def configs(setting: Setting) -> tuple[Config, ...]:
    """The same file as each node sees it."""
    chosen = asdict(setting)
    names = [f"lb{number}" for number in range(1, setting.nodes + 1)]
    vips = [{"address": f"10.10.50.{100 + n}", "prefer": names[n]} for n in range(setting.vips)]
    text = sample_yaml(
        nodes=[{"name": name, "address": f"10.10.50.{n}"} for n, name in enumerate(names, 2)],
        vips=vips,
        vrrp={"preempt": chosen["preempt"], "advert_int": chosen["advert_int"]},
        health={"on_no_servers": chosen["on_no_servers"]},
    )
    return tuple(_config(text, f"10.10.50.{n}/24") for n, _ in enumerate(names, 2))


@lru_cache
def _config(text: bytes, address: str) -> Config:
    parsed = parse(text, Host((HostAddress("eth0", ip_interface(address)),), Path("/etc/halbd")), read)
    assert isinstance(parsed, Config), [str(problem) for problem in parsed]
    return parsed
