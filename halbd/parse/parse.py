"""The door: halbd.yaml's bytes in, a Config or every Problem out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from halbd.model.config import Config, Frontend, Health, Keepalived, Log, Node, Proxy, Vrrp
from halbd.model.host import Host, ReadFile, ReadSecret
from halbd.model.problem import Problem
from halbd.parse.document import Document, load
from halbd.parse.explain import explain
from halbd.parse.finding import Finding, where
from halbd.parse.models import File
from halbd.parse.named_files import authority, password
from halbd.parse.repair import repair
from halbd.parse.rules.every import RULES
from halbd.parse.view import View, frontend, view


def parse(
    text: bytes, host: Host, read: ReadFile, node: str | None = None, read_secret: ReadSecret | None = None
) -> Config | tuple[Problem, ...]:
    """Read the file as the node that `host` is (or that `node` names) sees it.

    Args:
        text: the file's bytes; any bytes are answered, none raise.
        host: this machine's addresses, and the folder that relative file names start from.
        read: reads the files of certificates that the config names.
        node: the name of the node to be, where the addresses do not tell.
        read_secret: reads vrrp.auth_pass_file; where it is None, a file that names one is a problem.

    Returns:
        The Config, or all problems in the order of their lines.
    """
    document = load(text)
    if isinstance(document, Problem):
        return (document,)
    try:
        file = File.model_validate(document.value)
    except ValidationError as error:
        first = (*document.findings, *explain(error))
        return _problems(document, (*first, *_further(document, error, first, host, read, node)))
    seen = view(file, host, node)
    findings = [*document.findings, *(finding for rule in RULES for finding in rule(seen))]
    authorities = [_sound(authority(seen, number, read), findings) for number in range(len(seen.frontends))]
    secret = _sound(password(seen, read_secret), findings)
    if findings or seen.me is None:
        return _problems(document, findings)
    frontends = map(frontend, file.frontends, authorities)
    return _config(seen, seen.me, tuple(frontends), secret, hashlib.sha256(text).hexdigest())


def _further(
    document: Document, error: ValidationError, first: tuple[Finding, ...], host: Host, read: ReadFile, node: str | None
) -> Iterator[Finding]:
    """What the rules say of a file in which single values are wrong, as far as it is not said already."""
    repaired = repair(document.value, error)
    if repaired is None:
        return
    seen = view(repaired.file, host, node)
    rules = [finding for rule in RULES if repaired.judged(rule) for finding in rule(seen)]
    files = [authority(seen, number, read) for number in range(len(seen.frontends))]
    known = {finding.place for finding in first}
    for finding in (*rules, *(each for each in files if isinstance(each, Finding))):
        if finding.place not in known and repaired.told(finding):
            yield finding


def _sound(result: str | Finding | None, findings: list[Finding]) -> str | None:
    """The text of a file; a finding goes to the others."""
    if isinstance(result, Finding):
        findings.append(result)
        return None
    return result


def _problems(document: Document, findings: Iterable[Finding]) -> tuple[Problem, ...]:
    made = {Problem(document.line(each.place), where(each.place), each.what, each.hint) for each in findings}
    return tuple(sorted(made))


def _config(seen: View, me: Node, frontends: tuple[Frontend, ...], secret: str | None, digest: str) -> Config:
    file = seen.file
    vrrp, health = file.vrrp, file.health
    return Config(
        cluster=file.cluster,
        node=me,
        nodes=seen.nodes,
        vips=seen.vips,
        vrrp=Vrrp(vrrp.version, vrrp.advert_int, vrrp.unicast, vrrp.preempt, vrrp.preempt_delay, secret),
        proxy=Proxy(file.proxy.kind, file.proxy.binary, file.proxy.user),
        frontends=frontends,
        health=Health(health.path, health.interval, health.timeout, health.rise, health.fall, health.on_no_servers),
        keepalived=Keepalived(file.keepalived.manage, file.keepalived.config_file),
        log=Log(file.log.level, file.log.format),
        digest=digest,
    )
