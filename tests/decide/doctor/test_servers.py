"""The servers behind the proxy, and the authority of their certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from halbd.model.facts import Certificate, ServerFacts
from tests.decide.doctor.sample import NOW, only, said, severities, well
from tests.sample import config

DAY = timedelta(days=1)


def servers(**first: object) -> tuple[ServerFacts, ...]:
    """The three of the sample, the first one different."""
    one, *others = well().servers  # type: ignore[misc]  # they are known there
    return (replace(one, **first), *others)


@pytest.mark.parametrize(
    ("begins", "ends", "kind", "part"),
    [
        (-DAY, 14 * DAY, "fine", "ends on 2026-01-15, in 14 days"),
        (-DAY, 14 * DAY - timedelta(seconds=1), "warning", "in 13 days"),
        (-DAY, timedelta(), "wrong", "CA x has expired on 2026-01-01"),
        (DAY, 99 * DAY, "wrong", "CA x is valid from 2026-01-02 on only"),
    ],
)
def test_an_authority_lasts_or_not(begins: timedelta, ends: timedelta, kind: str, part: str) -> None:
    found = only("ca", authorities=(Certificate("CA x", NOW + begins, NOW + ends),))
    assert (found[0], part in found[1]) == (kind, True)


def test_no_authority_is_needed_where_no_check_has_one() -> None:
    assert only("ca", authorities=()) == ("fine", "no check needs a CA", "")


def test_one_server_of_three_is_a_warning_and_all_of_them_are_wrong() -> None:
    found = said("servers", servers=servers(error="cannot connect: refused"))
    assert [(one.severity.value, one.what) for one in found] == [
        ("warning", "kube-apiserver: 10.10.50.11:6443: cannot connect: refused"),
        ("fine", "kube-apiserver: 2 of 3 servers can be reached"),
    ]
    assert found[0].cure.startswith("nc -vz 10.10.50.11 6443")
    none = tuple(replace(one, error="refused") for one in servers())
    assert severities("servers", servers=none) == ["wrong"] * 3


@pytest.mark.parametrize(
    ("first", "kind", "part", "cure"),
    [
        ({"tls": "certificate: it has expired", "expired": True}, "wrong", "it has expired", "kubeadm certs renew"),
        (
            {"tls": "certificate: wrong name"},
            "wrong",
            "wrong name",
            "is ca_file the CA of this server, and",
        ),
        ({"ends": NOW + 14 * DAY - timedelta(seconds=1)}, "warning", "ends on 2026-01-14", "kubeadm certs renew"),
        ({"ends": NOW + 14 * DAY}, "fine", "ends on 2026-01-15, in 14 days", ""),
        ({"ends": None}, "unknown", "is not verified", ""),
    ],
)
def test_a_certificate_is_right_and_lasts_or_not(first: dict[str, object], kind: str, part: str, cure: str) -> None:
    found = [one for one in said("certificates", servers=servers(**first)) if "10.10.50.11" in one.what]
    assert [one.severity.value for one in found] == [kind]
    assert part in found[0].what
    assert found[0].cure.startswith(cure)


def test_a_server_that_is_not_there_is_told_once() -> None:
    gone = servers(error="refused", ends=None, status=None)
    assert severities("certificates", servers=gone) == severities("answers", servers=gone) == ["fine", "fine"]


@pytest.mark.parametrize(
    ("status", "kind", "part", "cure"),
    [
        (200, "fine", "10.10.50.11:6443/readyz answers 200", ""),
        (401, "wrong", "answers 401", "let anonymous requests"),
        (403, "wrong", "answers 403", "let anonymous requests"),
        (500, "warning", "answers 500", "curl -k https://10.10.50.11:6443/readyz"),
        (None, "warning", "answers nothing", "curl -k"),
    ],
)
def test_an_answer_is_expected_or_not(status: int | None, kind: str, part: str, cure: str) -> None:
    found = [one for one in said("answers", servers=servers(status=status)) if "10.10.50.11" in one.what]
    assert [one.severity.value for one in found] == [kind]
    assert part in found[0].what
    assert found[0].cure.startswith(cure)


def test_without_tls_there_is_no_answer_to_judge() -> None:
    assert severities("answers", servers=servers(tls="no TLS", status=None)) == ["fine", "fine"]


def test_a_check_of_another_scheme_asks_less() -> None:
    def of(scheme: str) -> list[list[str]]:
        checked = {"name": "kube-apiserver", "port": 6443, "servers": ["10.10.50.11:6443"], "check": {"scheme": scheme}}
        one = config(frontends=[checked])
        return [[each.value for each in severities(name, one)] for name in ("servers", "certificates", "answers")]

    assert of("https") == [["fine"], ["fine"], ["fine"]]
    assert of("http") == [["fine"], [], ["fine"]]
    assert of("tcp") == [["fine"], [], []]
