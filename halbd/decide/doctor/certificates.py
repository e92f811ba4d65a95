"""The authorities and the servers: asked as the proxy's check asks, from here and without the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from halbd.decide.doctor.said import fine, unknown, warning, with_config, wrong
from halbd.model.config import Config, Scheme
from halbd.model.facts import Facts, ServerFacts, Unknown
from halbd.model.findings import Said

SOON = timedelta(days=14)
RENEW = "kubeadm certs renew apiserver on that control-plane node, then restart its kube-apiserver"


@with_config
def authorities(_: Config, facts: Facts) -> Iterator[Said]:
    """When each certificate of a ca_file ends."""
    if isinstance(facts.authorities, Unknown):
        yield unknown(facts.authorities.why)
        return
    for one in facts.authorities:
        if one.ends <= facts.now:
            yield wrong(f"{one.whose} has expired on {one.ends:%Y-%m-%d}", "put the new CA into ca_file on each node")
        elif one.begins > facts.now:
            yield wrong(f"{one.whose} is valid from {one.begins:%Y-%m-%d} on only", "is this node's clock right?")
        elif one.ends - facts.now < SOON:
            yield warning(f"{one.whose} {_ends(one.ends, facts.now)}", "put the new CA into ca_file beside the old one")
        else:
            yield fine(f"{one.whose} {_ends(one.ends, facts.now)}")
    if not facts.authorities:
        yield fine("no check needs a CA")


@with_config
def servers(config: Config, facts: Facts) -> Iterator[Said]:
    """Each can be reached. All of one frontend down is wrong, one of them a warning."""
    if isinstance(facts.servers, Unknown):
        yield unknown(facts.servers.why)
        return
    for frontend in config.frontends:
        its = [one for one in facts.servers if one.frontend == frontend.name]
        down = [one for one in its if one.error]
        for one in down:
            cure = f"nc -vz {one.server.replace(':', ' ')}; is the kube-apiserver up, and the way to it open?"
            say = wrong if len(down) == len(its) else warning
            yield say(f"{one.frontend}: {one.server}: {one.error}", cure)
        if len(its) > len(down):
            yield fine(f"{frontend.name}: {len(its) - len(down)} of {len(its)} servers can be reached")


@with_config
def certificates(config: Config, facts: Facts) -> Iterator[Said]:
    """Each server's, against ca_file and server_name; and how long it lasts."""
    if isinstance(facts.servers, Unknown):
        yield unknown(facts.servers.why)
        return
    by_name = {frontend.name: frontend.check for frontend in config.frontends}
    for one in facts.servers:
        check = by_name[one.frontend]
        if one.error or check.scheme is not Scheme.HTTPS:
            continue
        if one.tls:
            name = f"is ca_file the CA of this server, and server_name ({check.server_name}) in its certificate?"
            yield wrong(f"{one.frontend}: {one.server}: {one.tls}", RENEW if one.expired else name)
        elif one.ends is None:
            yield unknown(f"{one.frontend}: {one.server} is not verified: the check says insecure: true")
        else:
            soon = one.ends - facts.now < SOON
            what = f"{one.frontend}: the certificate of {one.server} {_ends(one.ends, facts.now)}"
            yield warning(what, RENEW) if soon else fine(what)


@with_config
def answers(config: Config, facts: Facts) -> Iterator[Said]:
    """What each server says to the path of the check."""
    if isinstance(facts.servers, Unknown):
        yield unknown(facts.servers.why)
        return
    by_name = {frontend.name: frontend.check for frontend in config.frontends}
    for one in facts.servers:
        check = by_name[one.frontend]
        if not one.error and not one.tls and check.scheme is not Scheme.TCP:
            yield _answer(one, check.path, check.expect)


def _answer(one: ServerFacts, path: str, expect: tuple[int, ...]) -> Said:
    what = f"{one.frontend}: {one.server}{path} answers {one.status or 'nothing'}"
    if one.status in expect:
        return fine(what)
    if one.status in {401, 403}:
        return wrong(what, "let anonymous requests read the path, or write the status into check.expect")
    return warning(what, f"curl -k https://{one.server}{path}; is the API server ready?")


def _ends(ends: datetime, now: datetime) -> str:
    return f"ends on {ends:%Y-%m-%d}, in {(ends - now).days} days"
