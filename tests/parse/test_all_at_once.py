"""Every problem at once: a value that is wrong does not hide what is wrong elsewhere."""

from __future__ import annotations

from tests.parse.told import BASE, told

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


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = BASE
    for old, new in [
        ("kubernetes", "a b"),
        ("10.10.50.2", "x"),
        ("10.10.50.4", "y"),
        ("6443\n", "70000\n"),
        (".11:", "_x:"),
    ]:
        text = text.replace(old, new, 1)
    lines = [problem.split(": ")[:2] for problem in told(f"{text}vrrp: {{version: 1}}\nfoo: 1\n")]
    assert lines == [
        ["line 1", "cluster"],
        ["line 4", "nodes[0].address"],
        ["line 8", "vips[0].address"],
        ["line 11", "frontends[0].port"],
        ["line 13", "frontends[0].servers[0].address"],
        ["line 15", "vrrp.version"],
        ["line 16", "foo"],
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
