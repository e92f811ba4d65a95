"""What can go wrong around the programs: servers, network, files, addresses, clocks, the machine."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from halbd.model.child import Program
from halbd.model.events import ConfigApplied, ConfigRejected, PushLost
from halbd.model.paths import FAULT
from tests.sim.fault import Heal, nothing
from tests.sim.proxy import Server

if TYPE_CHECKING:
    from tests.sim.node import Node

YEAR = 365 * 86400.0


def _servers(node: Node, indices: range | tuple[int, ...], server: Server) -> Heal:
    for index in indices:
        node.world.set_server(index, server)

    def heal() -> None:
        for index in indices:
            node.world.set_server(index, Server.WELL)

    return heal


def server_refuses(node: Node, random: Random) -> Heal:
    return _servers(node, (random.randrange(len(node.servers)),), Server.REFUSES)


def server_silent(node: Node, random: Random) -> Heal:
    return _servers(node, (random.randrange(len(node.servers)),), Server.SILENT)


def all_servers_refuse(node: Node, _: Random) -> Heal:
    return _servers(node, range(len(node.servers)), Server.REFUSES)


def all_servers_silent(node: Node, _: Random) -> Heal:
    return _servers(node, range(len(node.servers)), Server.SILENT)


def servers_lost_here(node: Node, _: Random) -> Heal:
    node.cut_off = True
    node.servers_changed()

    def heal() -> None:
        node.cut_off = False
        node.servers_changed()

    return heal


def _lose(node: Node, pairs: list[tuple[str, str]], chance: float) -> Heal:
    lost = node.world.lost
    for pair in pairs:
        lost[pair] = chance

    def heal() -> None:
        for pair in pairs:
            lost.pop(pair, None)

    return heal


def link_cut(node: Node, _: Random) -> Heal:
    others = [one.name for one in node.world.nodes if one is not node]
    return _lose(node, [pair for name in others for pair in ((node.name, name), (name, node.name))], 1)


def link_one_way(node: Node, random: Random) -> Heal:
    other = random.choice([one.name for one in node.world.nodes if one is not node])
    return _lose(node, [random.choice(((node.name, other), (other, node.name)))], 1)


def adverts_lost(node: Node, _: Random) -> Heal:
    names = [one.name for one in node.world.nodes]
    return _lose(node, [(a, b) for a in names for b in names if a != b], 0.3)


def node_death(node: Node, _: Random) -> Heal:
    """Power off; the folders in memory and the addresses are gone with it."""
    if node.daemon:
        node.daemon.kill()
    for program in Program:
        node.end(program)
    node.addresses.clear()
    node.strays.clear()
    node.added.clear()
    node.tracks.clear()
    node.look = None
    node.boots += 1
    node.world.watch.moved(node)
    return node.begin


def cannot_write(node: Node, _: Random) -> Heal:
    """The runtime directory is read-only or full."""
    node.cannot_write = True

    def heal() -> None:
        node.cannot_write = False
        node.writes_since = node.clock.now

    return heal


def tampered(node: Node, random: Random) -> Heal:
    """Somebody writes into a track_file; the daemon looks once a second."""
    node.write(FAULT, random.choice((0, 1)))
    node.writes_since = node.clock.now

    def heal() -> None:
        daemon = node.daemon
        if daemon and daemon.alive and daemon.state.pushed.get(FAULT) != node.tracks.get(FAULT):
            daemon.post(PushLost(FAULT))

    node.clock.after(random.uniform(0.01, 1), heal)
    return heal


def vip_deleted(node: Node, _: Random) -> Heal:
    for address in list(node.addresses):
        node.remove(address)
    return nothing


def vip_added(node: Node, random: Random) -> Heal:
    node.add(random.choice(node.config.vips).address)
    return nothing


def vip_added_elsewhere(node: Node, random: Random) -> Heal:
    node.stray(random.choice(node.config.vips).address)
    return nothing


def vip_blocked(node: Node, _: Random) -> Heal:
    """A firewall drops what is sent to a VIP on the node that holds it."""
    node.vip_blocked = True

    def heal() -> None:
        node.vip_blocked = False

    return heal


def overrun(node: Node, random: Random) -> Heal:
    """Netlink news is lost for a moment."""
    daemon = node.daemon
    if daemon is None or not daemon.alive:
        return nothing
    daemon.deaf()
    node.clock.after(random.uniform(0.001, 0.1), daemon.overrun)
    return nothing


def files_edited(node: Node, _: Random) -> Heal:
    """Somebody changes a file of the generation in force."""
    node.edited = True
    return nothing


def clock_jump(node: Node, random: Random) -> Heal:
    node.jumped += random.choice((-YEAR, YEAR))
    return nothing


def reload(node: Node, _: Random) -> Heal:
    if node.daemon and node.daemon.alive:
        node.daemon.post(ConfigApplied(node.config))
    return nothing


def bad_reload(node: Node, _: Random) -> Heal:
    if node.daemon and node.daemon.alive:
        node.daemon.post(ConfigRejected(("line 1: no",)))
    return nothing
