"""What can go wrong with the programs of a node: proxy, keepalived, halbd."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from halbd.model.child import Program
from halbd.model.events import UndrainRequested
from tests.sim.fault import Heal, nothing

if TYPE_CHECKING:
    from tests.sim.node import Node


def proxy_kill(node: Node, _: Random) -> Heal:
    node.end(Program.PROXY)
    return nothing


def proxy_hang(node: Node, _: Random) -> Heal:
    proxy = node.proxy
    if proxy is None:
        return nothing
    proxy.frozen = True

    def heal() -> None:
        proxy.frozen = False

    return heal


def proxy_wrong(node: Node, _: Random) -> Heal:
    """It answers, but not with what is expected."""
    proxy = node.proxy
    if proxy is None:
        return nothing
    proxy.wrong = True

    def heal() -> None:
        proxy.wrong = False

    return heal


def proxy_mute(node: Node, _: Random) -> Heal:
    """It serves, and its admin socket does not answer."""
    proxy = node.proxy
    if proxy is None:
        return nothing
    proxy.mute = True

    def heal() -> None:
        proxy.mute = False

    return heal


def proxy_cannot_start(node: Node, _: Random) -> Heal:
    node.cannot_start.add(Program.PROXY)
    node.end(Program.PROXY)
    return lambda: node.cannot_start.discard(Program.PROXY)


def proxy_crash_loop(node: Node, random: Random) -> Heal:
    node.dies_after = random.choice((0.01, 0.3, 2.5, 11))
    node.end(Program.PROXY)

    def heal() -> None:
        node.dies_after = None

    return heal


def keepalived_kill(node: Node, _: Random) -> Heal:
    node.end(Program.KEEPALIVED)
    return nothing


def keepalived_cannot_start(node: Node, _: Random) -> Heal:
    node.cannot_start.add(Program.KEEPALIVED)
    node.end(Program.KEEPALIVED)
    return lambda: node.cannot_start.discard(Program.KEEPALIVED)


def keepalived_hang(node: Node, _: Random) -> Heal:
    keepalived = node.keepalived
    if keepalived is None:
        return nothing
    keepalived.freeze()
    return keepalived.thaw


def daemon_kill(node: Node, _: Random) -> Heal:
    if node.daemon:
        node.daemon.kill()
    return node.begin


def daemon_hang(node: Node, _: Random) -> Heal:
    daemon = node.daemon
    if daemon is None:
        return nothing
    daemon.freeze()
    return daemon.thaw


def daemon_stop(node: Node, _: Random) -> Heal:
    """`systemctl stop` and, once it is healed, `systemctl start`."""
    if node.daemon:
        node.daemon.stop()

    def heal() -> None:
        if node.daemon and node.daemon.stopping:
            node.daemon.kill()
        node.begin()

    return heal


def drain(node: Node, random: Random) -> Heal:
    """`halbctl drain`, with or without an end, and then `halbctl undrain`."""
    if node.daemon and node.daemon.alive and not node.daemon.stopping:
        node.daemon.drain(random.choice((None, 0.5, 5.0, 30.0)), force=random.random() < 0.5)

    def heal() -> None:
        node.note = None
        if node.daemon and node.daemon.alive:
            node.daemon.post(UndrainRequested())

    return heal


def daemon_restart(node: Node, _: Random) -> Heal:
    if node.daemon:
        node.daemon.kill()
    node.begin()
    return nothing
