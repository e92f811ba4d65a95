"""Envoy's files, for people to read. HALBD_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from ipaddress import ip_address

import pytest

from halbd.render.envoy import CHECK, versions
from halbd.render.render import render
from tests.render.cases import AROUND, CASES, CONFIG, FRONTEND, with_frontend
from tests.render.envoy import with_envoy
from tests.render.test_golden import GOLDEN

# Those in which Envoy's own files differ.
_CASES = ("default", "host-names", "http-check", "insecure", "ipv6-nodes", "tcp-check", "vip-bind")


@pytest.mark.parametrize("case", _CASES)
def test_the_rendered_files_are_the_golden_ones(case: str) -> None:
    folder = GOLDEN / f"envoy-{case}"
    files = {f.name: f.text for f in render(with_envoy(CASES[case]), AROUND).files if f.name.endswith(".json")}
    del files[CHECK]  # it repeats the others
    if os.environ.get("HALBD_UPDATE_GOLDEN"):
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    assert files == {path.name: path.read_text() for path in folder.iterdir()}


def test_no_golden_folder_of_envoy_is_left_over() -> None:
    assert {folder.name for folder in GOLDEN.glob("envoy-*")} == {f"envoy-{case}" for case in _CASES}


@pytest.mark.parametrize("case", CASES)
def test_the_same_config_gives_the_same_bytes(case: str) -> None:
    config = with_envoy(CASES[case])
    assert render(config, AROUND) == render(replace(config), replace(AROUND))


@pytest.mark.parametrize("case", CASES)
def test_the_file_to_check_holds_what_the_others_hold(case: str) -> None:
    """What `--mode validate` accepts is then what is put in force."""
    files = render(with_envoy(CASES[case]), AROUND)
    whole = json.loads(files.text(CHECK))
    listeners, clusters, limits = (json.loads(files.text(f"{x}.json"))["resources"] for x in ("lds", "cds", "rtds"))
    types = ("@type", "type", "cluster_type", "eds_cluster_config", "load_assignment")
    assert whole["static_resources"]["listeners"] == [without(one, "@type") for one in listeners]
    assert [without(one, *types) for one in whole["static_resources"]["clusters"]] == [
        without(one, *types) for one in clusters
    ]
    assert whole["layered_runtime"]["layers"][0]["static_layer"] == limits[0]["layer"]
    for cluster in whole["static_resources"]["clusters"]:
        if text := files.text(f"eds-{cluster['name']}.json"):
            assert cluster["load_assignment"] == without(json.loads(text)["resources"][0], "@type")


def without(message: dict[str, object], *keys: str) -> dict[str, object]:
    return {key: value for key, value in message.items() if key not in keys}


def test_the_bootstrap_depends_on_no_frontend() -> None:
    """Only what is in it needs another Envoy when it changes."""
    other = replace(FRONTEND, name="other", port=7443, max_connections=7, servers=FRONTEND.servers[:1])
    one, another = (render(with_envoy(c), AROUND).text("envoy.json") for c in (CONFIG, with_frontend(other)))
    assert one == another


def test_a_version_changes_with_its_own_file_only() -> None:
    servers = (replace(FRONTEND.servers[0], weight=7), *FRONTEND.servers[1:])
    changed = with_frontend(replace(FRONTEND, servers=servers))
    one, another = (versions(render(with_envoy(c), AROUND)) for c in (CONFIG, changed))
    assert {key for key in one if one[key] != another[key]} == {"cluster.kube-apiserver.version_text"}


def test_an_address_as_the_name_of_the_certificate_is_not_sent_as_sni() -> None:
    """RFC 6066, 3. The parser lets it pass only where nothing is verified."""
    check = replace(FRONTEND.check, ca=None, server_name="10.10.50.11")
    text = render(with_envoy(with_frontend(replace(FRONTEND, check=check))), AROUND).text("cds.json")
    assert '"sni"' not in text


def test_an_address_of_this_node_is_bound_alone() -> None:
    bound = replace(FRONTEND, bind=ip_address("10.10.50.2"))
    text = render(with_envoy(with_frontend(bound)), AROUND).text("lds.json")
    assert "additional_addresses" not in text
    assert "freebind" not in text


def test_a_running_envoy_is_asked_for_the_version_of_each_file_by_its_own_name_for_it() -> None:
    """Envoy writes "_" for a ":" in the names of its stats."""
    named = replace(FRONTEND, name="api:1")
    found = versions(render(with_envoy(with_frontend(named)), AROUND))
    assert set(found) == {
        "listener_manager.lds.version_text",
        "cluster_manager.cds.version_text",
        "runtime.version_text",
        "cluster.api_1.version_text",
    }
    assert all(re.fullmatch("[0-9a-f]{16}", version) for version in found.values())


def test_weight_0_takes_no_new_connections() -> None:
    light = replace(FRONTEND, servers=(replace(FRONTEND.servers[0], weight=0), FRONTEND.servers[1]))
    text = render(with_envoy(with_frontend(light)), AROUND).text("eds-kube-apiserver.json")
    (group,) = json.loads(text)["resources"][0]["endpoints"]
    shares = [
        {key: one.get(key) for key in ("load_balancing_weight", "health_status")} for one in group["lb_endpoints"]
    ]
    assert shares == [
        {"load_balancing_weight": None, "health_status": "DRAINING"},
        {"load_balancing_weight": 1, "health_status": None},
    ]


def test_names_are_resolved_in_the_family_of_the_nodes_first() -> None:
    named = CASES["host-names"].frontends[0]
    for case, family in (("default", "V4_PREFERRED"), ("ipv6-nodes", "AUTO")):
        text = render(with_envoy(with_frontend(named, CASES[case])), AROUND).text("cds.json")
        assert f'"dns_lookup_family": "{family}"' in text
