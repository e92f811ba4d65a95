"""servers-rejected: a list of servers that the proxy's checker accepts, and the running proxy does not."""

from __future__ import annotations

import copy
from contextlib import AbstractAsyncContextManager
from functools import partial

import yaml

from halbd.lab import document, verdict
from halbd.lab.faults.base import AFTER, Cost, Fault, Stage, needs_two_servers
from halbd.lab.faults.instead import instead, real
from halbd.lab.faults.kept import kept_with_halbd
from halbd.lab.faults.reloading import refused
from halbd.lab.measure import Numbers
from halbd.lab.verdict import Finding, yes
from halbd.model.config import Config, ProxyKind

CHECKER = """\
#!/bin/sh
[ "$1" = {first} ] || exec {real} "$@"
for last; do :; done
{real} "$@" || exit
{damage}
"""
FIRST = {ProxyKind.HAPROXY: "-c", ProxyKind.ENVOY: "--mode"}
"""The first word with which halbd has each proxy check a file, and never runs it."""
DAMAGE = {
    ProxyKind.HAPROXY: 'echo "no such keyword" >>"$last"',
    ProxyKind.ENVOY: """sed -i 's/"cluster_name": "/&not-/' "${last%/*}"/eds-*.json""",
}
WORDS = {ProxyKind.HAPROXY: "", ProxyKind.ENVOY: "Unexpected EDS cluster"}
"""What the proxy itself says of that, where it says anything."""


def _fewer(text: bytes) -> bytes:
    """The file without the first frontend's last server."""
    written = copy.deepcopy(document.load(text) or {})
    written["frontends"][0]["servers"].pop()
    return yaml.safe_dump(written, sort_keys=False).encode()


def _inflict(stage: Stage) -> AbstractAsyncContextManager[float]:
    plan = stage.lab.plan
    kind = plan.config.proxy.kind
    checker = CHECKER.format(first=FIRST[kind], real=real(stage), damage=DAMAGE[kind])
    return refused(stage, _fewer(plan.text), 1, WORDS[kind], instead(stage, checker))


async def _observe(stage: Stage) -> None:
    await stage.look_on(2 * AFTER)
    states = [one["state"] for one in (await stage.status()).get("frontends", [{}])[0].get("servers", [])]
    old = len(states) == len(stage.frontend.servers) and set(states) == {"up"}
    stage.found.append(yes("the old servers are up", str(states), ok=old))


def _judge(_: Config, numbers: Numbers) -> tuple[Finding, ...]:
    return verdict.undisturbed(numbers)


FAULT = Fault(
    name="servers-rejected",
    summary="a server is removed from halbd.yaml in a way that the checker accepts and the running proxy rejects, "
    "on the node that holds the VIP",
    inflict=_inflict,
    observe=_observe,
    judge=_judge,
    impossible=needs_two_servers,
    # HAProxy's master that has refused a file takes the old one up again by another reload: its worker is a new one.
    after=partial(kept_with_halbd, workers=False),
    cost=Cost.NOTHING,
    holds="All old servers serve on and nothing moves; `halbctl reload` ends with 1 and status says why, "
    "in Envoy's own words.",
)
