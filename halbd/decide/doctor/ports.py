"""The ports of the frontends: free, or held by the proxy that halbd runs."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide.doctor import handmade
from halbd.decide.doctor.said import fine, unknown, with_config, wrong
from halbd.decide.listen import overlap, sockets
from halbd.model.config import Config
from halbd.model.facts import Facts, PortHolder, Unknown
from halbd.model.findings import Said


@with_config
def ports(config: Config, facts: Facts) -> Iterator[Said]:
    """Who else listens there, once for each."""
    if isinstance(facts.holders, Unknown):
        yield unknown(facts.holders.why)
        return
    binds = sockets(config)
    foreign = {
        (one.port, one.pid): one
        for one in facts.holders
        if not one.ours and any(port == one.port and overlap(address, one.address) for address, port in binds)
    }
    for one in foreign.values():
        what = f"port {one.port} is taken by {one.name} (pid {one.pid or '?'}) on {one.address}"
        yield wrong(what, handmade.first(facts, _cure(one)))
    free = sorted({port for _, port in binds} - {port for port, _ in foreign})
    for port in free:
        ours = any(one.port == port and one.ours for one in facts.holders)
        yield fine(f"port {port} is {'held by the proxy of halbd' if ours else 'free'}")


def _cure(one: PortHolder) -> str:
    if one.unit:
        return f"systemctl disable --now {one.unit}"
    which = f" (see `ps -fp {one.pid}`)" if one.pid else ""
    return f"stop {one.name}{which}, or write another frontends[].port"
