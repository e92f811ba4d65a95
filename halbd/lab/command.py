"""Runs one short program to its end, with a deadline."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE

from halbd.lab.errors import LabError

DEADLINE = 10.0  # seconds; ip(8) and nft(8) answer in milliseconds, so this only ends what hangs


async def run(*arguments: str, text: str | None = None, deadline: float = DEADLINE) -> str:
    """Run `arguments` with `text` on stdin and return its stdout.

    Raises:
        LabError: it could not be started, failed, or took longer than `deadline` seconds.
    """
    words = " ".join(arguments)
    try:
        child = await asyncio.create_subprocess_exec(
            *arguments, stdin=DEVNULL if text is None else PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
    except OSError as error:
        raise LabError(f"cannot run {words}: {error.strerror}") from error
    try:
        async with asyncio.timeout(deadline):
            out, err = await child.communicate(None if text is None else text.encode())
    except TimeoutError:
        raise LabError(f"cannot run {words}: no end after {deadline:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise LabError(f"cannot run {words}: {err.decode(errors='replace').strip() or f'exit {child.returncode}'}")
    return out.decode(errors="replace")
