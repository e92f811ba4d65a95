"""Every problem at once: a value that is wrong does not hide what is wrong elsewhere."""

from __future__ import annotations

from tests.parse.told import told

MANY = """\
nodes:
  - {name: lb1, address: 10.10.50.2, priority: 900}
  - {name: lb1, address: 10.10.50.3}
vips:
  - {address: 10.10.50.3, prefer: lb9, colour: red}
vrrp: {version: 2, unicast: maybe}
frontends:
  - name: a
    port: 70000
    servers: [10.10.50.11:6443, 10.10.50.11:6443]
    check: {interval: 1, timeout: 3, ca_file: nowhere.pem}
"""


def places(text: str) -> list[str]:
    return [problem.split(": ")[1] for problem in told(text)]


def test_wrong_values_and_wrong_relations_are_told_together() -> None:
    assert places(MANY) == [
        "nodes[0].priority",
        "nodes[1].name",
        "vips[0].address",
        "vips[0].colour",
        "vips[0].prefer",
        "vrrp.advert_int",
        "vrrp.unicast",
        "frontends[0].port",
        "frontends[0].servers[1]",
        "frontends[0].check.ca_file",
        "frontends[0].check.timeout",
    ]


def test_a_place_is_told_once() -> None:
    found = places(MANY)
    assert len(found) == len(set(found))


def test_what_follows_only_from_an_unreadable_node_is_not_told() -> None:
    """Nobody can say whether `prefer` names a node whose name cannot be read, or whether this node is listed."""
    found = places(MANY.replace("{name: lb1, address: 10.10.50.3}", "{address: 10.10.50.300}"))
    assert "vips[0].prefer" not in found
    assert {"nodes[1].name", "nodes[1].address", "frontends[0].servers[1]", "frontends[0].check.timeout"} <= set(found)


def test_an_entry_that_is_no_mapping_and_a_section_that_is_missing_hide_nothing_else() -> None:
    found = places(MANY.replace("  - {address: 10.10.50.3, prefer: lb9, colour: red}", "  - 7"))
    assert {"vips[0]", "nodes[1].name", "frontends[0].check.timeout"} <= set(found)
    without = MANY.replace("vips:\n  - {address: 10.10.50.3, prefer: lb9, colour: red}\n", "")
    assert {"vips", "nodes[1].name", "frontends[0].check.timeout"} <= set(places(without))
    assert not any("240.0" in problem or "unreadable" in problem for problem in told(without))


def test_an_unreadable_frontend_hides_no_other() -> None:
    two = MANY + "  - {name: a, port: 1, servers: 7}\n"
    found = places(two)
    assert {"frontends[1].servers", "frontends[0].check.timeout"} <= set(found)
    assert not any("240.0" in problem or "unreadable" in problem for problem in told(two))
