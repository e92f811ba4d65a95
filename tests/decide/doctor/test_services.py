"""What systemd runs or will run on this machine."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest

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
        (Unit("loaded", "inactive", "disabled"), "fine", "neither"),
    ],
)
def test_the_distributions_proxy_is_explained(unit: Unit, expected: str, part: str) -> None:
    kind, what, cure = only("proxy-service", units=units(haproxy=unit))
    assert (kind, part in what) == (expected, True)
    assert cure == ("" if kind == "fine" else "systemctl disable --now haproxy.service")


@pytest.mark.parametrize(
    ("unit", "halbd", "expected", "part"),
    [
        (RUNS, RUNS, "fine", "is active"),
        (NEVER, NEVER, "fine", "halbd starts it"),
        (STOPPED, RUNS, "wrong", "was stopped by somebody"),
        (NEVER, RUNS, "wrong", "does not run: this node takes no VIP"),
        (Unit("loaded", "failed", "enabled"), RUNS, "wrong", "has failed"),
        (LOOPS, RUNS, "wrong", "keepalived.service does not stay up: systemd has started it again 7 times so far"),
        (Unit("masked", "inactive", "masked"), RUNS, "wrong", "is masked"),
        (GONE, RUNS, "wrong", "there is no keepalived.service"),
    ],
)
def test_keepalived_service_where_halbd_uses_it(unit: Unit, halbd: Unit, expected: str, part: str) -> None:
    kind, what, _ = only("keepalived-service", units=units(keepalived=unit, halbd=halbd))
    assert (kind, part in what) == (expected, True)


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
    ("unit", "expected"), [(RUNS, "wrong"), (NEVER, "warning"), (Unit("loaded", "inactive", "disabled"), "fine")]
)
def test_keepalived_service_beside_a_child_is_in_the_way(unit: Unit, expected: str) -> None:
    assert only("keepalived-service", CHILD, units=units(keepalived=unit))[0] == expected
    assert only("keepalived-service", CONFIG, systemd=False, units=units(keepalived=unit))[0] == expected


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
    ("unit", "expected"),
    [
        (RUNS, "fine"),
        (GONE, "unknown"),
        (replace(RUNS, active="reloading"), "fine"),
        (Unit("loaded", "failed", "enabled"), "wrong"),
        (Unit("loaded", "active", "disabled"), "warning"),
        (NEVER, "warning"),
        (STOPPED, "wrong"),
        (replace(NEVER, enabled="disabled"), "warning"),
        (replace(STOPPED, enabled="disabled"), "wrong"),
        (Unit("loaded", "activating", "enabled", sub="start"), "warning"),
        (Unit("loaded", "deactivating", "enabled", sub="stop-sigterm"), "warning"),
        (LOOPS, "wrong"),
        (replace(LOOPS, sub="start", restarts=1), "wrong"),
    ],
)
def test_halbd_service_runs_and_is_enabled(unit: Unit, expected: str) -> None:
    assert only("halbd-service", units=units(halbd=unit))[0] == expected


def test_each_way_not_to_run_has_its_words_and_its_cure() -> None:
    def told(unit: Unit) -> tuple[str, str]:
        return only("halbd-service", units=units(halbd=unit))[1:]

    assert told(NEVER) == ("halbd.service is enabled and was not started", "systemctl start halbd")
    assert told(STOPPED) == ("halbd.service ran and was stopped", "systemctl start halbd")
    assert told(replace(STOPPED, enabled="disabled"))[1] == "systemctl enable --now halbd"
    assert told(LOOPS) == (
        "halbd.service does not stay up: systemd has started it again 7 times so far", "journalctl -u halbd -n 50",
    )  # fmt: skip
    assert told(replace(RUNS, restarts=1))[0].endswith("active and enabled; systemd had to start it again once")


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
    ("halbd", "helper", "expected", "part"),
    [
        (RUNS, RUNS, "fine", "is active"),
        (RUNS, NEVER, "warning", "is inactive"),
        (RUNS, GONE, "warning", "is not there"),
        (STOPPED, GONE, "fine", "comes with halbd.service"),
    ],
)
def test_a_halbd_without_its_helper_is_told(halbd: Unit, helper: Unit, expected: str, part: str) -> None:
    severity, what, _ = only("halbd-helper", units=units(halbd=halbd) | {"halbd-helper.socket": helper})
    assert (severity, part in what) == (expected, True)


@pytest.mark.parametrize(
    ("service", "expected", "part", "cure"),
    [
        (replace(RUNS, restarts=2), "warning", "systemd has started it again 2 times", "journalctl"),
        (NEVER, "fine", "halbd-helper.socket is active", ""),
        (GONE, "warning", "is not there", "install the package again"),
        (Unit("masked", "inactive", "masked"), "warning", "is masked", "systemctl unmask"),
        (Unit("loaded", "failed", "static"), "warning", "has failed", "systemctl restart halbd-helper.service"),
        (Unit("loaded", "activating", "static", sub="auto-restart", restarts=1), "warning", "again once", "journalctl"),
    ],
)
def test_a_socket_behind_which_no_helper_stays_up_is_told(service: Unit, expected: str, part: str, cure: str) -> None:
    severity, what, how = only("halbd-helper", units=units(halbd=RUNS) | {"halbd-helper.service": service})
    assert (severity, part in what, cure in how) == (expected, True, True)


def test_units_that_systemd_does_not_know_at_all_are_absent() -> None:
    assert only("halbd-service", units={})[0] == "unknown"
