"""A node with nothing to find fault with, and what the doctor says when one thing about it is different."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_interface
from typing import Any

from halbd.decide.doctor.catalog import examine
from halbd.model.adverts import Advert, Claim
from halbd.model.config import Config
from halbd.model.facts import (
    Answer,
    Certificate,
    Component,
    Facts,
    Filters,
    Heard,
    OpenFiles,
    PortHolder,
    Program,
    ServerFacts,
    Unit,
)
from halbd.model.findings import Said, Severity
from halbd.model.host import HostAddress
from tests.sample import config

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = config()
LB1, LB2, VIP = map(ip_address, ("10.10.50.2", "10.10.50.3", "10.10.50.4"))
RUNS = Unit("loaded", "active", "enabled")
GONE = Unit("not-found", "inactive", "")
ROOTS = (Component("/usr/bin/x", 0, 0, 0o100755), Component("/usr/bin", 0, 0, 0o40755), Component("/", 0, 0, 0o40755))


def advert(source: object = LB2, vrid: int = 4, priority: int = 253, *vips: object, **more: Any) -> Advert:
    addresses = frozenset(ip_address(str(one)) for one in vips or (VIP,))
    return Advert(ip_address(str(source)), vrid, priority, addresses, **({"advert_int": 0.04} | more))


def claim(one: Advert, *, own: bool = False, at: float = 100.0, interface: str = "eth0") -> Claim:
    return Claim(one, interface, own, at)


def heard(*claims: Claim) -> Heard:
    return Heard(claims, 1.0, 100.0)


def well(one: Config = CONFIG) -> Facts:
    """A standby whose peer holds the VIP."""
    later = NOW + timedelta(days=365)
    servers = tuple(
        ServerFacts(frontend.name, f"{server.address}:{server.port}", ends=later, status=200)
        for frontend in one.frontends
        for server in frontend.servers
    )
    return Facts(
        config=one,
        file="/etc/halbd/halbd.yaml",
        now=NOW,
        in_force=one.digest,
        refused="",
        keepalived=Program("keepalived", "2.2.7", frozenset({"VRRP", "VRRP_AUTH"})),
        proxy=Program("haproxy", "2.6.12-1", frozenset({"OPENSSL"})),
        systemd=True,
        units={
            "halbd.service": RUNS,
            "halbd-helper.socket": RUNS,
            "halbd-helper.service": RUNS,
            "keepalived.service": RUNS,
            "haproxy.service": GONE,
            "envoy.service": GONE,
        },
        pid_files=(),
        holders=(PortHolder(ip_address("0.0.0.0"), 6443, 7, "haproxy", "halbd.service", ours=True),),
        programs=(ROOTS,),
        open_files=OpenFiles(20000, 1048576, "halbd.service (LimitNOFILE)"),
        addresses=(HostAddress("lo", ip_interface("127.0.0.1/8")), HostAddress("eth0", ip_interface("10.10.50.2/24"))),
        up={"lo": True, "eth0": True},
        answers={LB2: Answer.ECHO, VIP: Answer.ECHO},
        filters=Filters(()),
        heard=heard(claim(advert())),
        keepers=(),
        settings={"net.ipv4.ip_nonlocal_bind": 0},
        synchronised=True,
        authorities=(Certificate("CA kubernetes", NOW - timedelta(days=1), later),),
        servers=servers,
    )


def said(check: str, one: Config = CONFIG, **different: Any) -> list[Said]:
    """What a check says of the sample node with these facts instead of its own: what is wrong has a cure."""
    facts = replace(well(one), **different)
    found = [finding.said for finding in examine(facts) if finding.check == check]
    assert all(each.what and (each.cure or each.severity in {Severity.FINE, Severity.UNKNOWN}) for each in found)
    return found


def severities(check: str, one: Config = CONFIG, **different: Any) -> list[Severity]:
    return [each.severity for each in said(check, one, **different)]


def only(check: str, one: Config = CONFIG, **different: Any) -> tuple[str, str, str]:
    """The one thing that the check says: severity, what, cure."""
    (each,) = said(check, one, **different)
    return each.severity.value, each.what, each.cure


def holder(**more: Any) -> PortHolder:
    """Somebody else who listens on port 6443."""
    return replace(PortHolder(ip_address("0.0.0.0"), 6443, 42, "nginx", "", ours=False), **more)
