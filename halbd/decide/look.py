"""What halbd-check needs to look for itself, while no daemon answers: look.json, as docs/files.md has it."""

from __future__ import annotations

from halbd.decide.targets import local_targets
from halbd.decide.verdict import served
from halbd.model.state import State


def look(state: State) -> dict[str, object]:
    """The proxy's process, and every question that goes through it alone."""
    probes = [
        {
            "address": str(t.address),
            "port": t.port,
            "scheme": t.scheme.value,
            "path": t.path,
            "expect": t.expect,
            "server_name": t.server_name,
            "ca": t.ca,
            "timeout": t.timeout,
        }
        for t in local_targets(served(state))
    ]
    return {"proxy": {"pid": state.proxy.pid, "start_ticks": state.proxy.start_ticks}, "probes": probes}
