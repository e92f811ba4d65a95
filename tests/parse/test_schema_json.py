"""The JSON Schema that editors use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from halbd.parse.schema_json import schema


def every(node: object) -> Iterator[dict[str, Any]]:
    """Every object within the schema."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from every(inner)


def test_the_head() -> None:
    made = schema()
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["title"] == "halbd.yaml"
    assert made["required"] == ["nodes", "vips", "frontends"]
    assert not [node for node in every(made) if "$id" in node]


def test_it_is_json() -> None:
    assert json.loads(json.dumps(schema())) == schema()


def test_every_section_refuses_other_keys_and_every_key_has_a_meaning() -> None:
    sections = [node for node in every(schema()) if "properties" in node]
    assert len(sections) == 13
    for section in sections:
        assert section["additionalProperties"] is False
        assert all("description" in key or "$ref" in key for key in section["properties"].values())


def test_a_server_is_a_string_or_an_object() -> None:
    assert [each["type"] for each in schema()["$defs"]["ServerSection"]["anyOf"]] == ["string", "object"]


def test_defaults_words_and_bounds_are_told() -> None:
    sections = schema()["$defs"]
    assert sections["FrontendSection"]["properties"]["bind"]["default"] == "*"
    assert sections["FrontendSection"]["properties"]["port"]["maximum"] == 65535
    assert sections["HealthSection"]["properties"]["on_no_servers"]["enum"] == ["lower_priority", "fail", "ignore"]
    assert sections["CheckSection"]["properties"]["expect"]["default"] == [200]


def test_each_kind_of_value_has_its_type_and_bounds() -> None:
    """What an editor underlines."""
    sections = schema()["$defs"]

    def key(section: str, name: str) -> dict[str, Any]:
        made: dict[str, Any] = sections[section]["properties"][name]
        return {word: value for word, value in made.items() if word not in {"title", "description", "default"}}

    assert key("FrontendSection", "port") == {"type": "integer", "minimum": 1, "maximum": 65535}
    assert key("CheckSection", "interval") == {"type": "number", "minimum": 0.05, "maximum": 3600}
    limit = {"type": "number", "minimum": 0.01, "maximum": 604_800}
    assert key("TimeoutsSection", "client") == {"anyOf": [{"const": 0}, limit]}
    assert key("VrrpSection", "unicast") == {"type": "boolean"}
    assert key("ProxySection", "kind") == {"type": "string", "enum": ["haproxy", "envoy"]}
    assert key("FrontendSection", "name") == {
        "type": "string",
        "pattern": "^(?:[A-Za-z0-9][A-Za-z0-9_.-]*)$",
        "maxLength": 63,
    }
    assert sections["ServerSection"]["anyOf"][0] == {"type": "string", "description": "host:port or [IPv6]:port"}
