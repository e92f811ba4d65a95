"""All checks together."""

from __future__ import annotations

import dataclasses

import pytest

from halbd.decide.doctor.catalog import CHECKS, examine
from halbd.model.facts import Facts, Unknown
from halbd.model.findings import Severity
from halbd.model.problem import Problem
from tests.decide.doctor.sample import well

MAY_BE_UNKNOWN = [
    "refused", "proxy", "units", "holders", "programs", "open_files", "answers", "filters", "heard", "keepers",
    "synchronised", "authorities", "servers",
]  # fmt: skip


def test_a_node_that_is_well_has_nothing_but_fine_findings_one_check_after_the_other() -> None:
    found = examine(well())
    assert {finding.said.severity for finding in found} == {Severity.FINE}
    assert list(dict.fromkeys(finding.check for finding in found)) == [check.name for check in CHECKS]


def test_every_field_that_can_be_unknown_is_tried() -> None:
    fields = [field.name for field in dataclasses.fields(Facts) if "Unknown" in str(field.type)]
    assert sorted(fields) == sorted(MAY_BE_UNKNOWN)


@pytest.mark.parametrize("field", MAY_BE_UNKNOWN)
def test_what_could_not_be_looked_at_is_said_and_is_neither_fine_nor_wrong(field: str) -> None:
    facts = dataclasses.replace(well(), **{field: Unknown("nobody was at home")})  # type: ignore[arg-type]  # see above
    found = [one for one in examine(facts) if "nobody was at home" in one.said.what]
    # Who else can be asked only adds to what these say.
    assert found
    assert {one.said.severity for one in found} == {Severity.UNKNOWN}
    spoiled = {one.check for one in found}
    assert not [one for one in examine(facts) if one.check in spoiled and one.said.severity is Severity.FINE]


def test_what_is_wrong_comes_first_and_what_is_fine_last() -> None:
    facts = dataclasses.replace(well(), synchronised=False, up={}, units=Unknown("no systemd"))
    order = list(dict.fromkeys(one.said.severity for one in examine(facts)))
    assert order == [Severity.WRONG, Severity.WARNING, Severity.UNKNOWN, Severity.FINE]


def test_a_file_with_problems_is_wrong_for_each_and_the_rest_is_judged_as_far_as_it_goes() -> None:
    problems = (Problem(3, "vips[0].address", "x is no address", "write one"), Problem(0, "", "cannot read it"))
    found = examine(dataclasses.replace(well(), config=problems))
    assert [(one.said.what, one.said.cure) for one in found if one.said.severity is Severity.WRONG] == [
        ("/etc/halbd/halbd.yaml:3: vips[0].address: x is no address", "write one"),
        ("/etc/halbd/halbd.yaml: cannot read it", "correct /etc/halbd/halbd.yaml"),
    ]
    unknown = {one.check for one in found if one.said.severity is Severity.UNKNOWN}
    fine = {one.check for one in found if one.said.severity is Severity.FINE}
    assert {"vrrp-firewall", "ports", "peers", "certificates"} <= unknown
    assert fine == {"keepalived", "check-script", "halbd-service", "halbd-helper", "proxy-service", "clock"}


def test_every_finding_that_is_not_fine_has_a_reason() -> None:
    facts = dataclasses.replace(well(), up={}, synchronised=False, refused="haproxy refuses it")
    bad = [one for one in examine(facts) if one.said.severity in {Severity.WRONG, Severity.WARNING}]
    assert {(one.check, one.group) for one in bad} == {
        ("interface", "network"), ("clock", "clock"), ("config-accepted", "config"),
    }  # fmt: skip
    assert all(one.why for one in bad)


def test_the_names_are_distinct_and_the_groups_known() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert {check.group for check in CHECKS} == {
        "config", "programs", "services", "network", "vrrp", "kernel", "clock", "servers",
    }  # fmt: skip
    assert all(check.looks_at and check.why for check in CHECKS)
