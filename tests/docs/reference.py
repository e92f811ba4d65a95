"""docs/config.md, made from the schema: every key with its type, default and meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from halbd.parse.schema_json import schema

HEAD = """\
# Every key of halbd.yaml

Made from `halbctl schema`; `HALBD_UPDATE_GOLDEN=1 pytest tests/docs` writes it anew. Times are seconds. Unknown keys,
duplicate keys and wrong types are errors. `halbctl schema > halbd.schema.json` gives editors completion.
"""


def reference() -> str:
    """The whole page."""
    whole = schema()
    return HEAD + "".join(_section(whole, whole, "", top=True))


def _section(whole: dict[str, Any], one: dict[str, Any], path: str, *, top: bool = False) -> Iterator[str]:
    rows, inner = [], []
    for name, field in one["properties"].items():
        kind, section = _kind(whole, field)
        place = f"{path}{name}"
        rows.append(f"| `{name}` | {kind} | {_default(one, name, field)} | {_cell(field.get('description', ''))} |\n")
        if section:
            inner.append((f"{place}[]." if kind.startswith("list") else f"{place}.", section))
    title = "The file" if top else f"`{path.rstrip('.')}`"
    words = "" if top else f"{one.get('description', '')}\n\n"
    yield f"\n## {title}\n\n{words}| key | type | default | meaning |\n|---|---|---|---|\n{''.join(rows)}"
    for place, section in inner:
        yield from _section(whole, section, place)


def _kind(whole: dict[str, Any], field: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The type in words, and the section it leads to."""
    if "$ref" in field:
        target = whole["$defs"][field["$ref"].rpartition("/")[2]]
        return ("section", target) if "properties" in target else _kind(whole, target)
    if "anyOf" in field or "oneOf" in field:
        kinds = [_kind(whole, each) for each in field.get("anyOf") or field["oneOf"]]
        return " or ".join(dict.fromkeys(kind for kind, _ in kinds)), next((s for _, s in kinds if s), None)
    if "allOf" in field:
        return _kind(whole, field["allOf"][0])
    if "properties" in field:
        return "section", field
    if field.get("type") == "array":
        kind, section = _kind(whole, field["items"])
        return f"list of {kind}", section
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"]), None
    if "const" in field:
        return f"`{field['const']}`", None
    return str(field.get("type", "any")), None


def _default(one: dict[str, Any], name: str, field: dict[str, Any]) -> str:
    if name in one.get("required", ()):
        return "**required**"
    value = field.get("default")
    return "" if isinstance(value, dict) or value is None else f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
