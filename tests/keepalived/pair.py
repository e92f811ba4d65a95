"""Two load balancers on one wire: real keepalived with the rendered file, a small script in place of halbd-check."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from halbd.decide.groups import instances
from halbd.model.config import Config, Node
from halbd.model.files import Surroundings
from halbd.render.keepalived import check_command
from halbd.render.render import render
from halbd.system.process import Identity, identity
from tests.render.netns import add_address, addresses, inside, link, namespace, wait_until

PASSES = "import posix\n\n\ndef main():\n    posix._exit(0)\n"
FAILS = PASSES.replace("_exit(0)", "_exit(1)")


class LoadBalancer:
    """One node: its namespace, its files, its keepalived."""

    def __init__(self, config: Config, place: str, folder: Path) -> None:
        self.config = config
        self.place = place
        self.script = folder / "check.py"
        self.script.write_text(PASSES)
        self.track = folder / "track"
        self.track.mkdir()
        self.file = folder / "keepalived.conf"
        self.log = folder / "log"
        self.log.touch()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        command = check_command(self.script, folder / "halbd.sock")
        self._around = Surroundings(runtime=folder, state=folder, script_user="root", check_command=command)
        self.push("fault", "0\n")
        self.write()

    def write(self) -> None:
        """Write the rendered keepalived.conf."""
        self.file.write_text(render(self.config, self._around).text("keepalived.conf"))

    def push(self, name: str, content: str) -> None:
        """Write a track file as halbd does: complete beside it, then renamed over it."""
        new = self.track / f".{name}"
        new.write_text(content)
        new.rename(self.track / name)

    def start(self) -> None:
        """Start keepalived in the foreground, logging to a file."""
        pids = ("-p", str(self._folder / "pid"), "-r", str(self._folder / "vrrp.pid"))
        words = inside(self.place, "keepalived", "-n", "-l", "-D", "-P", "-f", str(self.file), *pids)
        with self.log.open("ab") as log:
            environment = {**os.environ, "TMPDIR": str(self._folder)}
            self._process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)

    def reload(self) -> None:
        """SIGHUP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def who(self) -> Identity:
        """The parent of keepalived's processes."""
        assert self._process is not None
        who = identity(self._process.pid)
        assert who is not None
        return who

    @property
    def vrrp(self) -> int:
        """Its VRRP process."""
        return int((self._folder / "vrrp.pid").read_text())

    def kill(self) -> None:
        """End keepalived at once; its child follows (PR_SET_PDEATHSIG)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)

    def holds(self, group: str | None = None) -> bool:
        """All VIPs (of the group, if one is named) are on this node."""
        vips = [vip for vip in self.config.vips if group in (None, vip.prefer)]
        return {str(vip.address) for vip in vips} <= addresses(self.place)

    def holds_none(self) -> bool:
        """No VIP is on this node."""
        return not {str(vip.address) for vip in self.config.vips} & addresses(self.place)

    def logged(self, text: str) -> int:
        """How often keepalived wrote that, in whatever case: it enters a "FAULT state" and a "FAULT STATE"."""
        return self.log.read_text().lower().count(text.lower())

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Until keepalived has written that so often."""
        try:
            wait_until(lambda: self.logged(text) >= times, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; keepalived said:\n{self.log.read_text()}") from None

    def wait_for_state(self, state: str, times: int = 1) -> None:
        """Until every instance has entered BACKUP, MASTER or FAULT so often."""
        for instance in instances(self.config):
            self.wait_for_log(f"({instance.name}) Entering {state} STATE", times)


@contextmanager
def pair(config: Config, folder: Path) -> Iterator[tuple[LoadBalancer, LoadBalancer]]:
    """Both nodes of the config, connected by all its interfaces, keepalived not yet started."""
    with ExitStack() as stack:
        places = [stack.enter_context(namespace(f"halbd-{node.name}-{os.getpid()}")) for node in config.nodes]
        for interface in sorted({vip.interface for vip in config.vips}):
            link((places[0], interface), (places[1], interface))
        nodes = [_node(config, node, place, folder) for node, place in zip(config.nodes, places, strict=True)]
        for node in nodes:
            stack.callback(node.kill)
        yield nodes[0], nodes[1]


def _node(config: Config, node: Node, place: str, folder: Path) -> LoadBalancer:
    add_address(place, config.vips[0].interface, f"{node.address}/{24 if node.address.version == 4 else 64}")
    own = folder / node.name
    own.mkdir()
    return LoadBalancer(replace(config, node=node), place, own)


def moved(source: LoadBalancer, target: LoadBalancer) -> None:
    """Until every VIP is on the target and none on the source."""
    wait_until(lambda: target.holds() and source.holds_none(), f"the VIP on {target.config.node.name}")
