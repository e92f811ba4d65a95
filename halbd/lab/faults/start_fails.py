"""start-fails: a config that Envoy's checker accepts, and for which another Envoy must start, which then fails.

Not for HAProxy. What its checker accepts fails at a port that is taken, and that is another fault; a limit of its
processes or open files either does not stop its reload or ends its master, which executes its program itself.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import yaml

from halbd.lab import document, verdict
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage
from halbd.lab.faults.instead import instead, real
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.reloading import refused
from halbd.lab.measure import Numbers
from halbd.lab.plan import Plan
from halbd.lab.verdict import Finding
from halbd.model.config import Config, ProxyKind

SCRIPT = """\
#!/bin/sh
case " $* " in *" --mode validate "* | *" --version "*) exec {real} "$@" ;; esac
echo 'not today'
exit 1
"""


def _impossible(plan: Plan) -> str:
    is_envoy = plan.config.proxy.kind is ProxyKind.ENVOY
    return "" if is_envoy else "what HAProxy's checker accepts fails only at a port that is taken"


def _changed(stage: Stage) -> bytes:
    """The name of the cluster is in Envoy's bootstrap, which no running Envoy reads again."""
    written = document.load(stage.lab.plan.text) or {}
    return yaml.safe_dump({**written, "cluster": "another"}, sort_keys=False).encode()


def _inflict(stage: Stage) -> AbstractAsyncContextManager[float]:
    return refused(stage, _changed(stage), 1, "hand over", instead(stage, SCRIPT.format(real=real(stage))))


async def _observe(stage: Stage) -> None:
    await stage.look_on(2 * AFTER)


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="start-fails",
    summary="a config is reloaded that Envoy's checker accepts and the next Envoy ends at, on the VIP's holder",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=_impossible,
    after=kept_with_halbd,
    cost=Cost.NOTHING,
    holds="The old generation serves on and nothing moves; `halbctl reload` ends with 1 and status says why.",
)
