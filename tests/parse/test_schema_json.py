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
