"""What systemd runs or will run on this machine."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest

from halbd.decide.doctor.services import SILENT
from halbd.model.facts import Unit, Unknown
from halbd.model.findings import Severity
from halbd.model.host import HostAddress
from halbd.model.problem import Problem
from halbd.model.service import PidFile
from tests.decide.doctor.sample import CONFIG, GONE, RUNS, holder, only, said, severities, well
from tests.sample import config

WRONG, WARNING, UNKNOWN, FINE = Severity.WRONG, Severity.WARNING, Severity.UNKNOWN, Severity.FINE
CHILD = config(keepalived={"manage": "child"})
NOBODY = config(keepalived={"manage": "none"})
STOPPED = Unit("loaded", "inactive", "enabled", ran=True)
NEVER = Unit("loaded", "inactive", "enabled")
LOOPS = Unit("loaded", "activating", "enabled", ran=True, sub="auto-restart", restarts=7)
START = "systemctl start keepalived.service"
READ = "journalctl -u keepalived.service -n 50"
LOOK = "journalctl -u halbd -n 50"


def units(**others: Unit) -> dict[str, Unit]:
    found = well().units
    assert isinstance(found, dict)
    return found | {f"{name}.service": unit for name, unit in others.items()}


@pytest.mark.parametrize(
    ("unit", "expected", "part"),
    [
        (Unit("loaded", "active", "enabled"), "warning", "runs and is enabled"),
        (Unit("loaded", "active", "disabled"), "warning", "haproxy.service runs, beside"),
        (Unit("loaded", "inactive", "enabled-runtime"), "warning", "haproxy.service is enabled, beside"),
        (Unit("loaded", "activating", "disabled"), "warning", "haproxy.service runs, beside"),
        (Unit("loaded", "reloading", "disabled"), "warning", "haproxy.service runs, beside"),
        (
            Unit("loaded", "inactive", "disabled"),
            "fine",
            "neither haproxy.service nor envoy.service runs or is enabled",
        ),
    ],
)
def test_the_distributions_proxy_is_explained(unit: Unit, expected: str, part: str) -> None:
    kind, what, cure = only("proxy-service", units=units(haproxy=unit))
    assert (kind, part in what) == (expected, True)
    assert cure == ("" if kind == "fine" else "systemctl disable --now haproxy.service")


@pytest.mark.parametrize(
    ("unit", "halbd", "expected", "how", "cure"),
    [
        (RUNS, RUNS, "fine", "is active", ""),
        (NEVER, NEVER, "fine", "does not run; halbd starts it", ""),
        (STOPPED, RUNS, "wrong", "was stopped by somebody: this node takes no VIP", START),
        (NEVER, RUNS, "wrong", "does not run: this node takes no VIP", START),
        (Unit("loaded", "failed", "enabled"), RUNS, "wrong", "has failed", f"{READ}, then {START}"),
        (LOOPS, RUNS, "wrong", "does not stay up: systemd has started it again 7 times so far", READ),
    ],
)
def test_keepalived_service_where_halbd_uses_it(unit: Unit, halbd: Unit, expected: str, how: str, cure: str) -> None:
    found = only("keepalived-service", units=units(keepalived=unit, halbd=halbd))
    assert found == (expected, f"keepalived.service {how}", cure)


def test_a_keepalived_service_that_nobody_can_start() -> None:
    masked = Unit("masked", "inactive", "masked")
    assert only("keepalived-service", units=units(keepalived=masked)) == (
        "wrong", "keepalived.service is masked, so that nobody can start it", "systemctl unmask keepalived.service",
    )  # fmt: skip
    assert only("keepalived-service", units=units(keepalived=GONE)) == (
        "wrong", "there is no keepalived.service", "apt-get install keepalived",
    )  # fmt: skip


@pytest.mark.parametrize("active", ["inactive", "failed", "activating"])
def test_a_pid_file_of_somebody_else_s_keeps_keepalived_service_from_starting(active: str) -> None:
    files = (PidFile("/run/keepalived.pid", 7, "nginx"), PidFile("/run/vrrp.pid"))
    down, up = (units(keepalived=replace(RUNS, active=one)) for one in (active, "active"))
    assert only("keepalived-service", units=up, pid_files=files)[0] == "fine"
    first, second = said("keepalived-service", units=down, pid_files=files)
    assert (first.severity, first.cure, second.cure) == (WRONG, "rm /run/keepalived.pid", "rm /run/vrrp.pid")
    assert first.what.startswith("keepalived.service cannot start: it takes itself for running already: /run/")
    assert severities("keepalived-service", CHILD, units=down, pid_files=files) != [WRONG]


def test_a_keepalived_service_that_nobody_manages_has_to_run() -> None:
    assert only("keepalived-service", NOBODY, units=units(keepalived=STOPPED, halbd=GONE))[0] == "wrong"


@pytest.mark.parametrize(
    ("unit", "expected", "what", "cure"),
    [
        (
            RUNS, "wrong", "keepalived.service runs beside the keepalived that halbd starts itself",
            "systemctl disable --now keepalived.service, or write keepalived.manage: systemd",
        ),
        (
            NEVER, "warning", "keepalived.service is enabled, and halbd starts its own",
            "systemctl disable keepalived.service",
        ),
        (Unit("loaded", "inactive", "disabled"), "fine", "halbd starts keepalived itself", ""),
    ],
)  # fmt: skip
def test_keepalived_service_beside_a_child_is_in_the_way(unit: Unit, expected: str, what: str, cure: str) -> None:
    found = (expected, what, cure)
    assert only("keepalived-service", CHILD, units=units(keepalived=unit)) == found
    assert only("keepalived-service", CONFIG, systemd=False, units=units(keepalived=unit)) == found


def test_a_child_in_a_sandbox_without_packet_sockets_takes_no_vip() -> None:
    sandboxed = units(keepalived=GONE, halbd=replace(RUNS, packets=False))
    first, second = said("keepalived-service", CHILD, units=sandboxed)
    assert (first.severity, second.severity) == (WRONG, FINE)
    assert "lets it open no VRRP socket" in first.what
    assert "CapabilityBoundingSet=CAP_NET_RAW" in first.cure
    for one in (CONFIG, NOBODY):  # keepalived.service is in no sandbox of halbd's
        assert all("VRRP socket" not in each.what for each in said("keepalived-service", one, units=sandboxed))
    assert severities("keepalived-service", CONFIG, systemd=False, units=sandboxed) == [FINE]


@pytest.mark.parametrize(
    ("unit", "expected", "how", "cure"),
    [
        (RUNS, "fine", "is active and enabled", ""),
        (replace(RUNS, restarts=1), "fine", "is active and enabled; systemd had to start it again once", ""),
        (replace(RUNS, active="reloading"), "fine", "is reloading and enabled", ""),
        (Unit("loaded", "failed", "enabled"), "wrong", "has failed", LOOK),
        (
            Unit("loaded", "active", "disabled"), "warning", "is not enabled: it will not start with the machine",
            "systemctl enable halbd",
        ),
        (NEVER, "warning", "is enabled and was not started", "systemctl start halbd"),
        (STOPPED, "wrong", "ran and was stopped", "systemctl start halbd"),
        (
            replace(NEVER, enabled="disabled"), "warning", "is not enabled: it will not start with the machine",
            "systemctl enable --now halbd",
        ),
        (replace(STOPPED, enabled="disabled"), "wrong", "ran and was stopped", "systemctl enable --now halbd"),
        (
            Unit("loaded", "activating", "enabled", sub="start"), "warning", "is activating: ask again in a moment",
            LOOK,
        ),
        (
            Unit("loaded", "deactivating", "enabled", sub="stop-sigterm"), "warning",
            "is deactivating: ask again in a moment", LOOK,
        ),
        (LOOPS, "wrong", "does not stay up: systemd has started it again 7 times so far", LOOK),
        (replace(LOOPS, restarts=0), "wrong", "does not stay up: systemd has started it again 0 times so far", LOOK),
        (
            replace(LOOPS, sub="start", restarts=1), "wrong",
            "does not stay up: systemd has started it again once so far", LOOK,
        ),
    ],
)  # fmt: skip
def test_halbd_service_runs_and_is_enabled(unit: Unit, expected: str, how: str, cure: str) -> None:
    assert only("halbd-service", units=units(halbd=unit)) == (expected, f"halbd.service {how}", cure)


@pytest.mark.parametrize("halbd", [GONE, NEVER, STOPPED, Unit("loaded", "failed", "enabled")], ids=str)
def test_no_cure_stops_a_hand_made_proxy_that_serves_the_vip(halbd: Unit) -> None:
    """On the holder of a hand-made pair it would be an outage: the page that moves the VIP first is named."""
    here = (*well().addresses, HostAddress("eth0", ip_interface("10.10.50.4/32")))
    taken = (holder(name="haproxy", unit="haproxy.service"),)
    found: dict[str, Any] = {"addresses": here, "units": units(halbd=halbd, haproxy=RUNS), "holders": taken}
    stop = "systemctl disable --now haproxy.service"
    careful = "not yet, this node holds the VIP: docs/how-to/moving-over.md moves it to the other node first, and only "
    for check in ("proxy-service", "ports"):
        assert only(check, **found)[2] == f"{careful}then: {stop}"
        assert only(check, **(found | {"addresses": well().addresses}))[2] == stop
        assert only(check, **(found | {"units": units(haproxy=RUNS)}))[2] == stop
        assert only(check, CHILD, **found)[2].startswith(careful)
    assert only("keepalived-service", CHILD, **found)[2].startswith(careful)
    assert only("ports", **(found | {"units": Unknown("no systemd")}))[2].startswith(careful)
    if halbd in {NEVER, STOPPED}:
        assert only("halbd-service", **found)[2] == f"{careful}then: systemctl start halbd"


def test_a_file_with_problems_does_not_tell_whom_a_cure_would_hurt() -> None:
    found = only("proxy-service", config=(Problem(1, "vips", "it is wrong"),), units=units(haproxy=RUNS))
    assert found[2] == "correct /etc/halbd/halbd.yaml first: until then nobody knows whether this node holds a VIP"


@pytest.mark.parametrize(
    ("halbd", "helper", "expected", "how", "cure"),
    [
        (RUNS, RUNS, "fine", "is active", ""),
        (RUNS, NEVER, "warning", f"is inactive{SILENT}", "systemctl start halbd-helper.socket"),
        (RUNS, GONE, "warning", f"is not there{SILENT}", "install the package again"),
        (STOPPED, GONE, "fine", "comes with halbd.service", ""),
    ],
)
def test_a_halbd_without_its_helper_is_told(halbd: Unit, helper: Unit, expected: str, how: str, cure: str) -> None:
    found = only("halbd-helper", units=units(halbd=halbd) | {"halbd-helper.socket": helper})
    assert found == (expected, f"halbd-helper.socket {how}", cure)


@pytest.mark.parametrize(
    ("service", "expected", "part", "cure"),
    [
        (replace(RUNS, restarts=2), "warning", "systemd has started it again 2 times", "journalctl"),
        (NEVER, "fine", "halbd-helper.socket is active", ""),
        (GONE, "warning", f"is not there{SILENT}", "install the package again"),
        (Unit("masked", "inactive", "masked"), "warning", "is masked", "systemctl unmask"),
        (Unit("loaded", "failed", "static"), "warning", "has failed", "journalctl"),
        (Unit("loaded", "activating", "static", sub="auto-restart", restarts=1), "warning", "again once", "journalctl"),
    ],
)
def test_a_socket_behind_which_no_helper_stays_up_is_told(service: Unit, expected: str, part: str, cure: str) -> None:
    severity, what, how = only("halbd-helper", units=units(halbd=RUNS) | {"halbd-helper.service": service})
    assert (severity, part in what, how.startswith(cure)) == (expected, True, True)


def test_units_that_systemd_does_not_know_at_all_are_absent() -> None:
    what = "there is no halbd.service: halbd is not installed as a service, or not yet"
    assert only("halbd-service", units={}) == ("unknown", what, "")
    assert only("halbd-helper", units={"halbd.service": RUNS})[1].startswith("halbd-helper.socket is not there")
    halfway = {"halbd.service": RUNS, "halbd-helper.socket": RUNS}
    assert only("halbd-helper", units=halfway)[1].startswith("halbd-helper.service is not there")
