"""Envoy's messages as JSON (protobuf's mapping): built as dicts and dumped, so that no value can add a field."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def typed(kind: str, message: Json) -> Json:
    """A message with its type, as an Any field takes it; `kind` is the name below `envoy.`."""
    return {"@type": f"type.googleapis.com/envoy.{kind}"} | message


def duration(value: float) -> str:
    """Seconds as protobuf takes them: "5s", "0.25s", never an exponent."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"


def socket_address(host: str, port: int) -> Json:
    """An IP address, or a host name for a cluster that resolves them."""
    return {"socket_address": {"address": host, "port_value": port}}
