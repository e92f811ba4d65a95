"""The lab's DNS: dnsmasq(8) on every node, with answers that a fault can change."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Iterable
from pathlib import Path

from halbd.lab import namespaces
from halbd.lab.errors import LabError
from halbd.lab.tasks import Tasks
from halbd.model.config import Address
from halbd.model.errors import HalbdError
from halbd.system.programs import find

ADDRESS = "127.0.0.53"
TTL = 1  # seconds
LOOKS, GLANCE = 500, 0.02  # whether it has started, and the seconds between two
SELF = ("--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root", "--bind-interfaces")


class Names:
    """Each server answers what the file says, and NXDOMAIN for every other name."""

    def __init__(self, folder: Path, tasks: Tasks) -> None:
        self._file, self._tasks = folder / "names", tasks
        self._programs: list[Process] = []

    def answer(self, names: Iterable[tuple[str, Address]]) -> None:
        """From now on these names have these addresses."""
        new = self._file.with_suffix(".new")
        new.write_text("".join(f"{address} {name}\n" for name, address in names))
        new.rename(self._file)
        for program in self._programs:
            program.send_signal(signal.SIGHUP)

    async def serve(self, namespace: str) -> None:
        """Start one where `namespace` asks. Raises LabError."""
        log = self._file.with_name(f"{namespace}.dns")
        words = ("--keep-in-foreground", f"--listen-address={ADDRESS}", *SELF, "--local=/#/", f"--local-ttl={TTL}")
        what = (f"--addn-hosts={self._file}", f"--log-facility={log}")
        try:
            program = find("dnsmasq")
        except HalbdError as error:
            raise LabError(f"{error}: servers of this file are given by name") from error
        self._programs.append(await self._tasks.start(*namespaces.inside(namespace), program, *words, *what))
        for _ in range(LOOKS):
            if log.exists() and ": read " in log.read_text():
                return
            await asyncio.sleep(GLANCE)
        raise LabError(f"cannot start a DNS server in {namespace}: it says nothing")
