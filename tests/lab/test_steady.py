from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halbd.lab.certs import Authority
from halbd.lab.plan import Plan, plan
from halbd.lab.steady import unsteady
from halbd.model.config import Config
from halbd.model.host import SecretFile
from tests.lab.files import PLAIN

VIP = "10.10.50.4"


def config(text: bytes = PLAIN) -> Config:
    made = plan(text, Path("/etc/halbd"), lambda _: SecretFile(b"", 0o600), Authority().pem)
    assert isinstance(made, Plan)
    return made.config


def well(**changes: Any) -> dict[str, Any]:
    server = {"name": "10.10.50.11:6443", "state": "up"}
    return {"healthy": True, "reasons": [], "frontends": [{"servers": [server]}]} | changes


def test_one_holder_and_well_nodes_are_steady() -> None:
    assert unsteady(config(), [(VIP, ("lb1",))], {"lb1": well(), "lb2": well()}) == ()


@pytest.mark.parametrize(
    ("nodes", "words"),
    [((), "held by nobody"), (("lb1", "lb2"), "held by lb1 and lb2"), (("lb2",), "held by lb2 and not by lb1")],
)
def test_any_other_holding_is_not(nodes: tuple[str, ...], words: str) -> None:
    (complaint,) = unsteady(config(), [(VIP, nodes)], {"lb1": well()})
    assert words in complaint


def test_without_preemption_any_one_node_may_hold_it() -> None:
    free = PLAIN + b"vrrp: {preempt: false}\nhealth: {on_no_servers: ignore}\n"
    assert unsteady(config(free), [(VIP, ("lb2",))], {"lb1": well()}) == ()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "does not answer"),
        (well(healthy=False, reasons=[{"cause": "proxy_dead", "detail": "exit 1"}]), "proxy_dead (exit 1)"),
        (well(frontends=[{"servers": [{"name": "s1", "state": "down"}]}]), "not up: s1"),
        (well(frontends=[{"servers": [{"name": "s1", "state": "starting"}]}]), "not up: s1"),
    ],
)
def test_a_node_that_is_not_well_is_named(status: dict[str, Any] | None, words: str) -> None:
    (complaint,) = unsteady(config(), [(VIP, ("lb1",))], {"lb2": status})
    assert "lb2" in complaint
    assert words in complaint
