"""What is written down for halbd-check, should no daemon answer."""

from __future__ import annotations

from halbd.decide.look import look
from tests.decide.driver import running
from tests.sample import CA_PEM, config


def test_it_has_the_proxy_and_each_question_that_goes_through_it_alone() -> None:
    check = {"ca_file": "ca.crt", "server_name": "api.example"}
    frontends = [{"name": "api", "port": 6443, "servers": ["10.10.50.11:6443"], "check": check}]
    node = running(config(frontends=frontends, health={"path": "/livez", "timeout": 0.7}), holder=True)
    assert look(node.state) == {
        "proxy": {"pid": 100, "start_ticks": 1},
        "probes": [
            {
                "address": "127.0.0.1",
                "port": 6443,
                "scheme": "https",
                "path": "/livez",
                "expect": (200,),
                "server_name": "api.example",
                "ca": CA_PEM,
                "timeout": 0.7,
            }
        ],
    }
