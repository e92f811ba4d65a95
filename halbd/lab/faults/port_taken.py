"""port-taken: a config that every checker accepts, and that cannot start, since something else holds its port."""

from __future__ import annotations

import copy
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import yaml

from halbd.lab import document, namespaces, verdict
from halbd.lab.errors import LabError
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, never_impossible
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.reloading import refused
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding
from halbd.model.config import Config


def _port(config: Config) -> int:
    """One that the config does not use yet."""
    used = {frontend.port for frontend in config.frontends}
    return next(port for port in range(config.frontends[0].port + 1, 65536) if port not in used)


def _with_port(text: bytes, port: int) -> bytes:
    """The file with one frontend more."""
    written = copy.deepcopy(document.load(text) or {})
    written["frontends"].append({**written["frontends"][0], "name": "taken", "port": port})
    return yaml.safe_dump(written, sort_keys=False).encode()


@asynccontextmanager
async def _taken(stage: Stage, port: int) -> AsyncIterator[None]:
    """While this is entered another program listens there. Raises LabError."""
    lab = stage.lab
    words = (sys.executable, "-P", "-m", "halbd.lab.standin", "--name", "squatter", "--plain", f"0.0.0.0:{port}")
    squatter = await lab.tasks.start(*namespaces.inside(lab.network.namespace(stage.victim)), *words)
    if not squatter.stdout or not await squatter.stdout.readline():
        raise LabError(f"cannot take port {port} on {stage.victim}")
    try:
        yield
    finally:
        squatter.kill()
        await squatter.wait()


def _inflict(stage: Stage) -> AbstractAsyncContextManager[float]:
    plan = stage.lab.plan
    port = _port(plan.config)
    return refused(stage, _with_port(plan.text, port), 1, str(port), _taken(stage, port))


async def _observe(stage: Stage) -> None:
    await stage.look_on(2 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="port-taken",
    summary="a frontend is added whose port another program holds, on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=never_impossible,
    after=kept_with_halbd,
    cost=Cost.NOTHING,
    holds="The old generation serves on and nothing moves; `halbctl reload` ends with 1; status names the port.",
)
