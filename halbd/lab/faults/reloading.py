"""What the faults of a config share: another halbd.yaml, `halbctl reload`, and what came of it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from time import monotonic

from halbd.lab.faults.base import Stage
from halbd.lab.verdict import Finding, yes

PATIENCE = 30.0  # seconds for a verb of halbctl to end


async def halbctl(stage: Stage, *words: str) -> tuple[int | None, str]:
    """Run a verb against the victim's daemon: exit code (None: it did not end in time) and what it said."""
    command = (sys.executable, "-P", "-m", "halbd.cli.halbctl", *words, "--socket", str(stage.paths.socket))
    child = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await child.communicate()
    except TimeoutError:
        return None, f"no end after {PATIENCE:g} s"
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode, (out + err).decode(errors="replace").strip()


@asynccontextmanager
async def refused(
    stage: Stage,
    text: bytes | None,
    code: int,
    words: str = "",
    during: AbstractAsyncContextManager[None] | None = None,
) -> AsyncIterator[float]:
    """Another halbd.yaml on the victim, or none, whose reload should end with `code`; yields the moment before it.

    The status should say why, with `words` in it. `during`: what stands in its way; that is gone when the old file is
    put back and reloaded.
    """
    try:
        async with during or nullcontext():
            injected = monotonic()
            if text is None:
                stage.paths.config_file.unlink()
            else:
                stage.lab.write_config(stage.victim, text)
            await _reload(stage, code)
            await _told(stage, words)
            yield injected
    finally:
        stage.lab.write_config(stage.victim, stage.lab.plan.text)
        await _reload(stage, 0)


async def _reload(stage: Stage, code: int) -> None:
    """Reload; it should end with `code`."""
    got, said = await halbctl(stage, "reload")
    what = f"reload says {code}" if code else "reload of the good file"
    stage.found.append(Finding(what, f"exit {code}", f"exit {got}: {said[-200:]}", got == code))


async def _told(stage: Stage, words: str) -> None:
    """The status says that the file on disk is not in force, and why: `words` are in it."""
    rejected: Mapping[str, object] = (await stage.status()).get("config", {}).get("rejected") or {}
    problems = str(rejected.get("problems", ""))
    stage.found.append(yes("status says why", f"rejected: {problems}", ok=bool(problems) and words in problems))
