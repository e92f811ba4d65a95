"""keepalived and the proxy: are they there, new enough, and built with what the config needs?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from halbd.decide.doctor.said import fine, unknown, with_config, wrong
from halbd.model.config import Config, ProxyKind, Scheme
from halbd.model.facts import Facts, Program, Unknown
from halbd.model.findings import Said

OLDEST_KEEPALIVED = (2, 2, 3)
OLDEST = {ProxyKind.HAPROXY: (2, 4), ProxyKind.ENVOY: (1, 36)}


def keepalived(facts: Facts) -> Iterator[Said]:
    """Version, and VRRP built in."""
    one = facts.keepalived
    yield from _version(one, OLDEST_KEEPALIVED, "apt-get install keepalived")
    needed = {"VRRP"}
    if isinstance(facts.config, Config) and facts.config.vrrp.auth_pass is not None:
        needed.add("VRRP_AUTH")
    yield from _lacking(one, needed)


@with_config
def proxy(config: Config, facts: Facts) -> Iterator[Said]:
    """Version, and TLS built in where a check speaks it."""
    kind, one = config.proxy.kind, facts.proxy
    if isinstance(one, Unknown):
        yield unknown(one.why)
        return
    cure = "apt-get install haproxy" if kind is ProxyKind.HAPROXY else "put a newer envoy on PATH or into proxy.binary"
    yield from _version(one, OLDEST[kind], cure)
    if kind is ProxyKind.HAPROXY and any(each.check.scheme is Scheme.HTTPS for each in config.frontends):
        yield from _lacking(one, {"OPENSSL"})


def _version(one: Program, oldest: tuple[int, ...], cure: str) -> Iterator[Said]:
    if one.error:
        yield wrong(one.error, cure)
        return
    found = re.match(r"\d+(\.\d+)*", one.version)
    if found is None:
        yield unknown(f"{one.name} does not say its version: {one.version or 'nothing'}")
    elif tuple(map(int, found[0].split("."))) < oldest:
        yield wrong(f"{one.name} {one.version} is older than {'.'.join(map(str, oldest))}", cure)
    else:
        yield fine(f"{one.name} {one.version}")


def _lacking(one: Program, needed: set[str]) -> Iterator[Said]:
    if missing := sorted(needed - one.features) if one.features else []:
        yield wrong(f"{one.name} {one.version} is built without {', '.join(missing)}", "use the distribution's package")
