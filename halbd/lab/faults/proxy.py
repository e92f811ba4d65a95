"""The victim's proxy, as its daemon names it."""

from __future__ import annotations

from halbd.lab.errors import LabError
from halbd.lab.faults.base import Stage


async def proxy_pid(stage: Stage) -> int:
    """The PID of the proxy (the master, where it has workers) on the victim.

    Raises:
        LabError: the daemon says that none runs.
    """
    status = (await stage.lab.statuses())[stage.victim]
    pid = status and status["proxy"]["pid"]
    if not isinstance(pid, int):
        raise LabError(f"cannot find the proxy of {stage.victim}: its halbd names no process")
    return pid
