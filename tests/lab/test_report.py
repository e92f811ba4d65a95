from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from halbd.lab import verdict
from halbd.lab.certs import Authority
from halbd.lab.faults.catalog import DEMO, FAULTS
from halbd.lab.faults.proxy_crash_loop import quiet
from halbd.lab.measure import Change, Numbers, Stretch
from halbd.lab.plan import Plan, plan
from halbd.lab.play import Run
from halbd.lab.report import Outcome, headline, spread, table, to_json
from halbd.lab.verdict import Finding
from halbd.model.host import SecretFile
from tests.lab.files import PLAIN

CALM = Numbers(100, 0, 0, 0, 0, 0, 0, None, None, 0, 0, 0, 0, 0, 0, 0, 10, 0)


def planned(text: bytes = PLAIN) -> Plan:
    made = plan(text, Path("/etc/halbd"), lambda _: SecretFile(b"", 0o600), Authority().pem)
    assert isinstance(made, Plan)
    return made


def run(numbers: Numbers = CALM, *findings: Finding) -> Run:
    return Run(
        "proxy-kill", "lb1", numbers, findings, (("10.10.50.4", (Stretch(1, 2, ("lb1",)),)),), (("reset", 1),), 1
    )


def changed(values: dict[str, Any]) -> Numbers:
    return replace(CALM, **values)


def judge(fault: str, numbers: Numbers, text: bytes = PLAIN) -> bool:
    (found,) = (one for one in FAULTS if one.name == fault)
    return all(finding.ok for finding in found.judge(planned(text).config, numbers))


@pytest.mark.parametrize(
    ("fault", "good", "bad"),
    [
        ("proxy-kill", {"moved_ms": 40, "outage_ms": 152}, {"moved_ms": 40, "outage_ms": 153}),
        ("proxy-hang", {"moved_ms": 3200}, {"moved_ms": 3201}),
        ("node-death", {"moved_ms": 700, "outage_ms": 750}, {"moved_ms": 700, "outage_ms": 760}),
        ("server-death", {"failed": 1, "failed_new": 0}, {"failed_new": 1}),
        ("server-poweroff", {"outage_ms": 5000, "failed": 200}, {"outage_ms": 5000, "transitions": 4}),
        ("all-servers-down", {"served_ms": 3999}, {"served_ms": 4001}),
        ("servers-lost-here", {"moved_ms": 6000, "back_ms": 6000}, {"moved_ms": 6000}),
        (
            "vrrp-blocked",
            {"two_holders_ms": 2000, "one_holder_ms": 900},
            {"two_holders_ms": 2000, "one_holder_ms": 1001},
        ),
    ],
)
def test_each_fault_has_its_own_expectation(fault: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert judge(fault, changed(good))
    assert not judge(fault, changed(bad))


HANDED = {"moved_ms": 520, "watches_ms": 93}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"no_holder_ms": 100}, {"no_holder_ms": 101}),
        ({"two_holders_ms": 30}, {"moved_ms": None}),
        ({"slow": 0, "gap_ms": 240}, {"slow": 1, "gap_ms": 240}),
        ({"slow": 9, "gap_ms": 250}, {"slow": 9}),
        ({"failed_heal": 5}, {"failed": 1, "failed_new": 1}),
    ],
)
@pytest.mark.parametrize("fault", ["stop", "drain"])
def test_a_hand_over_is_make_before_break(fault: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    """What is slow counts, unless the client itself stood still."""
    assert judge(fault, changed({"back_ms": 2000, **HANDED, **good}))
    assert not judge(fault, changed({"back_ms": 2000, **HANDED, **bad}))


UNDISTURBED = (
    "halbd-kill",
    "halbd-hang",
    "halbd-oom",
    "upgrade",
    "bad-config",
    "config-removed",
    "port-taken",
    "servers-rejected",
    "start-fails",
    "clock-jump",
)


@pytest.mark.parametrize("bad", ["transitions", "failed", "failed_heal", "watches_reset", "watches_silent"])
@pytest.mark.parametrize("fault", UNDISTURBED)
def test_what_may_cost_nothing_costs_no_move_no_connection_and_no_watch(fault: str, bad: str) -> None:
    assert judge(fault, CALM)
    assert not judge(fault, changed({bad: 1}))


@pytest.mark.parametrize("fault", ["adverts-dropped", "link-flap"])
def test_a_bad_link_costs_one_move_and_the_way_back(fault: str) -> None:
    assert judge(fault, CALM)
    assert judge(fault, changed({"transitions": 4}))
    assert not judge(fault, changed({"transitions": 5}))


@pytest.mark.parametrize(
    "bad", [{"two_holders_ms": 1001}, {"no_holder_ms": 1001}, {"one_holder_ms": None}, {"outage_ms": 2001}]
)
@pytest.mark.parametrize("fault", ["vip-deleted", "vip-added", "vip-added-elsewhere"])
def test_an_address_touched_by_hand_is_right_again_within_a_second(fault: str, bad: dict[str, Any]) -> None:
    at_worst = {"two_holders_ms": 1000, "no_holder_ms": 1000, "one_holder_ms": 1000, "outage_ms": 2000}
    assert judge(fault, changed(at_worst))
    assert not judge(fault, changed({**at_worst, **bad}))


def test_a_proxy_that_dies_at_every_start_costs_one_quick_move() -> None:
    assert judge("proxy-crash-loop", changed({"moved_ms": 40, "outage_ms": 152}))
    assert not judge("proxy-crash-loop", changed({"moved_ms": 40, "outage_ms": 153}))
    assert not judge("proxy-crash-loop", changed({"moved_ms": None}))


GONE = (Change(1, "lb1", "10.10.50.4", gained=False), Change(1.1, "lb2", "10.10.50.4", gained=True))
HOME = (Change(5, "lb1", "10.10.50.4", gained=True), Change(5.1, "lb2", "10.10.50.4", gained=False))


@pytest.mark.parametrize(
    "changes", [(*GONE, *HOME), (*GONE, *HOME, *GONE), GONE[:1], GONE[1:], (*GONE, replace(GONE[1], node="lb3")), HOME]
)
def test_a_node_whose_proxy_does_not_start_is_quiet(changes: tuple[Change, ...]) -> None:
    """The VIP that comes back while the proxy is dead, and leaves again, is the crash loop that clients see."""
    other = tuple(replace(change, vip="10.10.50.5") for change in GONE)
    assert [finding.ok for finding in quiet((GONE[1], GONE[0]), "lb1")] == [True]
    assert [finding.ok for finding in quiet((*GONE, *other), "lb1")] == [True, True]
    assert [finding.ok for finding in quiet((*other, *changes), "lb1")] == [True, False]


def test_an_overrun_in_which_the_vip_was_not_seen_to_go_and_come_shows_nothing() -> None:
    assert judge("netlink-overrun", changed({"transitions": 2}))
    assert not judge("netlink-overrun", changed({"transitions": 1}))


def test_of_many_kills_each_is_judged_by_itself() -> None:
    assert judge("keepalived-kills", changed({"two_holders_ms": 6000, "two_longest_ms": 1000}))
    assert not judge("keepalived-kills", changed({"two_holders_ms": 6000, "two_longest_ms": 1001}))


def test_keepalived_that_is_killed_again_and_again_needs_a_vip_that_comes_back() -> None:
    (found,) = (one for one in FAULTS if one.name == "keepalived-kills")
    assert not found.impossible(planned())
    assert found.impossible(planned(PLAIN + b"vrrp: {preempt: false}\nhealth: {on_no_servers: ignore}\n"))


@pytest.mark.parametrize("fault", ["keepalived-kill", "keepalived-hang", "keepalived-oom"])
def test_what_keepalived_leaves_is_gone_within_a_second(fault: str) -> None:
    assert judge(fault, changed({"two_holders_ms": 1000}))
    assert not judge(fault, changed({"two_holders_ms": 1001}))


def test_a_slower_protocol_is_given_the_time_that_it_takes() -> None:
    old = PLAIN + b"vrrp: {version: 2, advert_int: 1}\n"
    assert judge("node-death", replace(CALM, moved_ms=3000, outage_ms=3150), old)
    assert verdict.skew(planned(old).config) == pytest.approx(3 / 256)


def test_the_vip_may_stay_where_the_file_says_so() -> None:
    assert judge("servers-lost-here", CALM, PLAIN + b"health: {on_no_servers: ignore}\n")


def test_a_fault_that_a_plan_has_no_room_for_is_named() -> None:
    alone = PLAIN.replace(b"  - {name: lb2, address: 10.10.50.3}\n", b"").replace(b", 10.10.50.12:6443", b"")
    alone += b"vrrp: {unicast: false}\n"
    possible = [fault.name for fault in DEMO if not fault.impossible(planned(alone))]
    assert possible == ["all-servers-down"]


def test_repeats_are_told_by_their_spread() -> None:
    assert spread([3, 1, 2.5]) == {"min": 1, "median": 2.5, "max": 3}
    assert spread([3, None]) == {"min": None, "median": None, "max": None}


def test_the_table_names_what_was_not_as_expected() -> None:
    bad = Outcome(
        "proxy-kill", "", (run(replace(CALM, outage_ms=900), Finding("outage", "at most 152 ms", "900 ms", ok=False)),)
    )
    text = table([bad, Outcome("node-death", "", (), "there is only one node")])
    assert "proxy-kill  FAIL     900 ms" in text
    assert "proxy-kill: outage: wanted at most 152 ms, got 900 ms" in text
    assert "node-death: skipped, there is only one node" in text


def test_a_fault_that_could_not_be_played_since_the_world_had_gone_wrong_has_failed() -> None:
    why = "the world is not right since stop"
    for outcome in (Outcome("node-death", "", (), unready=why), Outcome("node-death", "", (run(),), unready=why)):
        assert outcome.word == "FAIL"
        assert f"node-death: not played: {why}" in table([outcome])
        told = to_json(planned(), [Outcome("stop", "", (run(),)), outcome], "halbd.yaml")
        assert told["passed"] is False
        assert [fault["passed"] for fault in told["faults"]] == [True, False]
        assert told["faults"][1]["unready"] == why


def test_the_json_holds_every_run_and_its_spread() -> None:
    outcome = Outcome("proxy-kill", "…", (run(replace(CALM, outage_ms=10)), run(replace(CALM, outage_ms=30))))
    told = json.loads(json.dumps(to_json(planned(), [outcome], "halbd.yaml")))
    assert told["passed"] is True
    assert told["faults"][0]["numbers"]["outage_ms"] == {"min": 10, "median": 20, "max": 30}
    assert told["faults"][0]["runs"][0]["holders"] == [
        {"vip": "10.10.50.4", "over": [{"from_ms": 0, "to_ms": 1000, "nodes": ["lb1"]}]}
    ]


def test_a_run_is_told_in_one_line() -> None:
    assert headline(run(replace(CALM, outage_ms=12, moved_ms=0.4))) == "outage 12 ms, 0 failed, VIP moved after < 1 ms"
