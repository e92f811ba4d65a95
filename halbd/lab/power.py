"""A node's machine goes down at once, and boots anew: its disks are all that is left."""

from __future__ import annotations

import asyncio
import json
import shutil
from signal import SIGKILL
from time import monotonic
from uuid import uuid4

from halbd.lab import namespaces
from halbd.lab.command import run
from halbd.lab.errors import LabError
from halbd.lab.lab import Lab
from halbd.lab.processes import processes

DYING = 5.0  # seconds for killed processes to be gone
LOOK = 0.05  # seconds between two looks at them


async def go_down(lab: Lab, node: str) -> None:
    """Link, programs, VIPs and what is below /run. The lab's own programs stay. Raises LabError."""
    await lab.network.plug(node, into=False)
    lab.units[node].power_off()
    await lab.units[node].ended()
    await _kill_all(lab, node)
    await _remove_vips(lab, node)
    shutil.rmtree(lab.paths(node).runtime, ignore_errors=True)


async def boot(lab: Lab, node: str) -> None:
    """Its halbd is started by another boot. Raises LabError."""
    lab.boot_file(node).write_text(f"{uuid4()}\n")
    await lab.network.plug(node, into=True)
    lab.units[node].start()


async def _kill_all(lab: Lab, node: str) -> None:
    end = monotonic() + DYING
    namespace = lab.network.namespace(node)
    while left := [one.pid for one in await processes(namespace) if one.pid not in lab.own(node)]:
        if monotonic() > end:
            raise LabError(f"cannot power {node} off: processes {left} do not die")
        for pid in left:
            namespaces.signal_in(namespace, pid, SIGKILL)
        await asyncio.sleep(LOOK)


async def _remove_vips(lab: Lab, node: str) -> None:
    """An address that keepalived has set is in no file of the machine's."""
    namespace = lab.network.namespace(node)
    for link in json.loads(await run("ip", "-n", namespace, "-j", "address")):
        for one in link.get("addr_info", ()):
            if one["local"] in lab.holders.current:
                place = f"{one['local']}/{one['prefixlen']}"
                await run("ip", "-n", namespace, "address", "del", place, "dev", link["ifname"])
