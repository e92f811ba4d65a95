"""Another program in the place of the proxy's, for one daemon alone: it has a mount namespace of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from halbd.lab.command import run
from halbd.lab.faults.base import Stage
from halbd.system.programs import proxy_binary


def real(stage: Stage) -> Path:
    """Where the proxy's program is meanwhile."""
    return stage.lab.folder.path / "real-proxy"


@asynccontextmanager
async def instead(stage: Stage, script: str) -> AsyncIterator[None]:
    """While this is entered, a proxy that is started is `script`. Raises LabError."""
    binary, other = str(proxy_binary(stage.lab.plan.config.proxy)), stage.lab.folder.path / "other-proxy"
    other.write_text(script)
    other.chmod(0o755)
    real(stage).unlink(missing_ok=True)
    real(stage).touch()
    daemon = stage.unit.pid
    there = partial(run, "nsenter", "--target", str(daemon), "--mount")
    await there("mount", "--bind", binary, str(real(stage)))
    await there("mount", "--bind", str(other), binary)
    try:
        yield
    finally:
        if stage.unit.pid == daemon:  # another daemon's mounts are new
            await there("umount", binary)
            await there("umount", "--lazy", str(real(stage)))
        # A HAProxy that was executed from there executes itself again by that name at each reload.
        real(stage).unlink()
        real(stage).symlink_to(binary)
