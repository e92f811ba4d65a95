"""What systemd runs or will run: the distribution's proxy, keepalived, halbd itself and its helper."""

from __future__ import annotations

from collections.abc import Iterator

from halbd.decide import service
from halbd.decide.doctor import handmade
from halbd.decide.doctor.handmade import HALBD, RUNNING
from halbd.decide.doctor.said import fine, unknown, warning, with_config, wrong
from halbd.model.config import Config, Manage
from halbd.model.facts import Facts, Unit, Unknown
from halbd.model.findings import Said
from halbd.model.service import PidFile

KEEPALIVED = "keepalived.service"
PROXIES = ("haproxy.service", "envoy.service")
HELPER = "halbd-helper.socket"
HELPS = "halbd-helper.service"
UNITS = (HALBD, HELPER, HELPS, KEEPALIVED, *PROXIES)
LOOK = "journalctl -u halbd -n 50"
DROP_IN = (
    "systemctl edit halbd, with a line each of [Service], CapabilityBoundingSet=CAP_NET_RAW and "
    "RestrictAddressFamilies=AF_PACKET, then systemctl restart halbd"
)
SILENT = ": halbd cannot hear adverts, nor spare a client anything at a hand-over"
ABSENT = Unit("not-found", "inactive", "")


def proxy(facts: Facts) -> Iterator[Said]:
    """The distribution's own proxy, beside the one that halbd runs."""
    if isinstance(facts.units, Unknown):
        yield unknown(facts.units.why)
        return
    found = False
    for name in PROXIES:
        unit = facts.units.get(name, ABSENT)
        now, later = unit.active in {"active", "activating", "reloading"}, unit.enabled.startswith("enabled")
        if now or later:
            found = True
            how = " and ".join(["runs"] * now + ["is enabled"] * later)
            cure = f"systemctl disable --now {name}"
            yield warning(f"{name} {how}, beside the proxy that halbd runs", handmade.first(facts, cure))
    if not found:
        yield fine("neither haproxy.service nor envoy.service runs or is enabled")


@with_config
def keepalived(config: Config, facts: Facts) -> Iterator[Said]:
    """keepalived.service, where halbd uses it; and where it is in the way."""
    if isinstance(facts.units, Unknown):
        yield unknown(facts.units.why)
        return
    unit, manage = facts.units.get(KEEPALIVED, ABSENT), config.keepalived.manage
    if manage is Manage.CHILD or (manage is Manage.AUTO and not facts.systemd):
        if facts.systemd and not facts.units.get(HALBD, ABSENT).packets:
            what = f"halbd starts keepalived itself, and {HALBD} lets it open no VRRP socket: this node takes no VIP"
            yield wrong(what, f"{DROP_IN}, or write keepalived.manage: systemd")
        yield _beside_a_child(unit, facts)
    elif unit.load == "masked":
        yield wrong(f"{KEEPALIVED} is masked, so that nobody can start it", f"systemctl unmask {KEEPALIVED}")
    elif unit.load == "not-found":
        yield wrong(f"there is no {KEEPALIVED}", "apt-get install keepalived")
    elif unit.active not in RUNNING and facts.pid_files:
        yield from _blocked(facts.pid_files)
    elif unit.active == "failed":
        yield wrong(f"{KEEPALIVED} has failed", f"journalctl -u {KEEPALIVED} -n 50, then systemctl start {KEEPALIVED}")
    else:
        yield _stopped(unit, facts.units.get(HALBD, ABSENT), manage)


def _blocked(found: tuple[PidFile, ...]) -> Iterator[Said]:
    for why, cure in map(service.blocked, found):
        yield wrong(f"{KEEPALIVED} cannot start: {why}", cure)


def _stopped(unit: Unit, halbd: Unit, manage: Manage) -> Said:
    if _loops(unit):
        what = f"{KEEPALIVED} does not stay up: systemd has started it again {_times(unit)} so far"
        return wrong(what, f"journalctl -u {KEEPALIVED} -n 50")
    if unit.active != "inactive":
        return fine(f"{KEEPALIVED} is {unit.active}")
    if halbd.active == "active" or manage is Manage.NONE:
        who = "was stopped by somebody" if unit.ran else "does not run"
        return wrong(f"{KEEPALIVED} {who}: this node takes no VIP", f"systemctl start {KEEPALIVED}")
    return fine(f"{KEEPALIVED} does not run; halbd starts it")


def _beside_a_child(unit: Unit, facts: Facts) -> Said:
    if unit.active == "active":
        what = f"{KEEPALIVED} runs beside the keepalived that halbd starts itself"
        cure = f"systemctl disable --now {KEEPALIVED}"
        return wrong(what, f"{handmade.first(facts, cure)}, or write keepalived.manage: systemd")
    if unit.enabled.startswith("enabled"):
        return warning(f"{KEEPALIVED} is enabled, and halbd starts its own", f"systemctl disable {KEEPALIVED}")
    return fine("halbd starts keepalived itself")


def halbd(facts: Facts) -> Iterator[Said]:
    """halbd.service."""
    if isinstance(facts.units, Unknown):
        yield unknown(facts.units.why)
        return
    unit = facts.units.get(HALBD, ABSENT)
    if unit.load == "not-found":
        yield unknown(f"there is no {HALBD}: halbd is not installed as a service, or not yet")
    elif unit.active == "failed":
        yield wrong(f"{HALBD} has failed", LOOK)
    elif unit.active not in RUNNING:
        yield _down(unit, facts)
    elif not unit.enabled.startswith("enabled"):
        yield warning(f"{HALBD} is not enabled: it will not start with the machine", "systemctl enable halbd")
    else:
        again = f"; systemd had to start it again {_times(unit)}" if unit.restarts else ""
        yield fine(f"{HALBD} is {unit.active} and enabled{again}")


def helper(facts: Facts) -> Iterator[Said]:
    """Where halbd.service asks for what it may not do itself; that brings it along, and takes it away."""
    if isinstance(facts.units, Unknown):
        yield unknown(facts.units.why)
    elif facts.units.get(HALBD, ABSENT).active not in RUNNING:
        yield fine(f"{HELPER} comes with {HALBD}")
    elif (unit := facts.units.get(HELPER, ABSENT)).active != "active":
        how = "is not there" if unit.load == "not-found" else f"is {unit.active}"
        cure = "install the package again" if unit.load == "not-found" else f"systemctl start {HELPER}"
        yield warning(f"{HELPER} {how}{SILENT}", cure)
    else:
        yield _helps(facts.units.get(HELPS, ABSENT))


def _helps(unit: Unit) -> Said:
    """Its socket is there. One that does not run is started by the next question, unless it cannot."""
    again = f"systemd has started it again {_times(unit)}"
    if unit.load == "not-found":
        return warning(f"{HELPS} is not there{SILENT}", "install the package again")
    if unit.load == "masked":
        return warning(f"{HELPS} is masked{SILENT}", f"systemctl unmask {HELPS}")
    if unit.active == "failed":
        return warning(f"{HELPS} has failed{SILENT}", f"journalctl -u {HELPS} -n 50, then systemctl restart {HELPS}")
    if _loops(unit):
        return warning(f"{HELPS} does not stay up, {again} so far{SILENT}", f"journalctl -u {HELPS} -n 50")
    if unit.restarts:  # one that hangs is ended and started again, and runs nearly all the time
        return warning(f"{HELPS} runs, and {again}", f"journalctl -u {HELPS} -n 50")
    return fine(f"{HELPER} is active")


def _down(unit: Unit, facts: Facts) -> Said:
    """It does not run, or not yet."""
    if _loops(unit):
        return wrong(f"{HALBD} does not stay up: systemd has started it again {_times(unit)} so far", LOOK)
    if unit.active != "inactive":
        return warning(f"{HALBD} is {unit.active}: ask again in a moment", LOOK)
    enabled = unit.enabled.startswith("enabled")
    start = "systemctl start halbd" if enabled else "systemctl enable --now halbd"
    cure = handmade.first(facts, start)
    if unit.ran:
        return wrong(f"{HALBD} ran and was stopped", cure)
    how = "is enabled and was not started" if enabled else "is not enabled: it will not start with the machine"
    return warning(f"{HALBD} {how}", cure)


def _loops(unit: Unit) -> bool:
    """A unit that ends at each start is `activating` nearly all of the time."""
    return unit.active == "activating" and (unit.restarts > 0 or unit.sub == "auto-restart")


def _times(unit: Unit) -> str:
    return "once" if unit.restarts == 1 else f"{unit.restarts} times"
