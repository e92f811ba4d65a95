"""Whose fault it is where only one of two frontends has servers."""

from __future__ import annotations

from halbd.model.events import ProxySeen
from halbd.model.evidence import ProxyView
from tests.decide.driver import Driver, running, view
from tests.sample import config


def two_frontends() -> Driver:
    both = [
        {"name": "kube-apiserver", "port": 6443, "servers": ["10.10.50.11:6443"]},
        {"name": "konnectivity", "port": 8132, "servers": ["10.10.50.11:8132"]},
    ]
    return running(config(frontends=both))


def half_blind(node: Driver) -> ProxySeen:
    """Only the first frontend has a server up."""
    seeing, blind = view(node.state.config, 1).frontends[0], view(node.state.config, 0).frontends[1]
    return ProxySeen(ProxyView((seeing, blind)))


def test_a_frontend_without_servers_hides_no_fault_of_another() -> None:
    node = two_frontends()
    for _ in range(3):
        node.wait(1)
        node.post(half_blind(node))
        node.answer(ok=False, connected=False)
    assert node.causes == ["no_servers", "local_probe"]
    assert node.fault == 1


def test_what_one_frontend_is_blamed_for_is_not_forgiven_when_another_goes_blind() -> None:
    node = two_frontends()
    for _ in range(4):
        node.wait(1)
        node.look(up=1)
        for name in list(node.state.series):
            node.answer_one(name, ok=name != "local/kube-apiserver", connected=False)
    assert node.causes == ["local_probe"]
    node.post(half_blind(node))
    assert node.causes == ["no_servers", "local_probe"]


def test_a_failure_behind_a_blind_frontend_is_its_own_and_no_other_s() -> None:
    node = two_frontends()
    for _ in range(3):
        node.wait(1)
        node.post(half_blind(node))
        for name in list(node.state.series):
            node.answer_one(name, ok=name != "local/konnectivity", connected=False)
    assert node.causes == ["no_servers"]


def test_several_blind_frontends_are_all_named() -> None:
    node = two_frontends()
    node.live(3, up=0)
    (reason,) = node.verdict.reasons
    assert reason.detail == "haproxy sees no server up behind kube-apiserver, konnectivity"
