"""What is asked, and with whose eyes: every field of every target."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from halbd.decide.targets import local_targets, vip_targets
from halbd.model.config import Health
from halbd.model.evidence import Target
from tests.render.cases import CHECK, CONFIG, FRONTEND, SECOND_VIP, VIP


def test_a_frontend_is_asked_for_healths_path_with_the_eyes_of_its_check() -> None:
    """The lru_cache makes each config's targets once; this config is no other test's."""
    check = replace(CHECK, expect=(200, 401), server_name="api.example", ca="the CA")
    frontend = replace(FRONTEND, name="api", port=7443, bind=VIP.address, check=check)
    config = replace(CONFIG, vips=(VIP, SECOND_VIP), frontends=(frontend,), health=Health("/livez", timeout=0.7))
    local = Target(
        name="local/api",
        frontend="api",
        address=ip_address("127.0.0.1"),
        port=7443,
        scheme=check.scheme,
        path="/livez",
        expect=(200, 401),
        server_name="api.example",
        ca="the CA",
        timeout=0.7,
        vip=None,
    )
    assert local_targets(config) == (local,)
    through = replace(local, name="vip/10.10.50.4/api", address=VIP.address, vip=VIP.address)
    assert vip_targets(config) == (through,), "and not through the VIP on which it does not answer"
