"""The operator's YAML before it is a Config: what must be known to build a machine for it, and the lab's own copy."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Any

import yaml

from halbd.lab.errors import LabError
from halbd.model.config import Address
from halbd.model.problem import Problem
from halbd.parse import document

CA_FILE = "ca.crt"
AUTH_FILE = "auth_pass"
MAX_CONNECTIONS = 2000
"""More than the lab's clients open; several proxies on one machine may not each have the file limit of a VM."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sketch:
    """The nodes and VIPs as written; a VIP's interface is None where the file leaves it to the node."""

    nodes: tuple[tuple[str, Address], ...]
    vips: tuple[tuple[Address, str | None], ...]


def load(text: bytes) -> Document | None:
    """The file as a dictionary, or None where it is not one: the parser has the words for that."""
    value = _value(text)
    return value if isinstance(value, dict) else None


def _value(text: bytes) -> Any:
    """The text by the parser's own reading of YAML, as values that may be changed; None where it has none."""
    found = document.load(text)
    return None if isinstance(found, Problem) else _lists(found.value)


def _lists(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lists(entry) for key, entry in value.items()}
    return [_lists(entry) for entry in value] if isinstance(value, tuple) else value


def sketch(written: Document) -> Sketch | None:
    """The nodes and VIPs, or None where the file is not of that shape: the parser has the words for that."""
    try:
        nodes = tuple((str(node["name"]), ip_address(str(node["address"]))) for node in written["nodes"])
        vips = tuple((ip_interface(str(vip["address"])).ip, _word(vip.get("interface"))) for vip in written["vips"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Sketch(nodes, vips) if nodes and vips else None


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def auth_pass_file(written: Document) -> str | None:
    """The file that `vrrp.auth_pass_file` names."""
    vrrp = written.get("vrrp")
    return _word(vrrp.get("auth_pass_file")) if isinstance(vrrp, dict) else None


def changed(written: Document, settings: Iterable[tuple[str, str]]) -> Document:
    """A copy with each KEY=VALUE of `settings` put in: dots between keys, numbers for list entries, VALUE as YAML.

    Raises:
        LabError: a key leads through something that is neither a section nor a list.
    """
    new = copy.deepcopy(written)
    for key, value in settings:
        _put(new, key, _value(value.encode()))
    return new


def _put(written: Document, key: str, value: object) -> None:
    *way, last = key.split(".")
    place: Any = written
    try:
        for step in way:
            place = place[int(step)] if isinstance(place, list) else _section(place, step)
        place[int(last) if isinstance(place, list) else last] = value
    except (ValueError, IndexError, TypeError) as error:
        raise LabError(f"cannot set {key}: the file has no such place") from error


def _section(place: Document, step: str) -> Any:
    if place.get(step) is None:
        place[step] = {}
    return place[step]


def for_proxy(written: Document, kind: str) -> tuple[tuple[str, str], ...]:
    """The settings that put another proxy in; a binary that the file names is the other one's."""
    proxy = written.get("proxy")
    now = proxy.get("kind", "haproxy") if isinstance(proxy, dict) else "haproxy"
    return () if now == kind else (("proxy.kind", kind), ("proxy.binary", "null"), ("proxy.user", "null"))


def for_lab(written: Document) -> bytes:
    """The text that the lab's nodes run: the operator's own, with what belongs to real machines replaced.

    The stand-in servers have a CA of the lab's own, keepalived is a child of the daemon, since no systemd runs in a
    network namespace, and no frontend allows more than MAX_CONNECTIONS.
    """
    new = copy.deepcopy(written)
    new["keepalived"] = {**(new.get("keepalived") or {}), "manage": "child"}
    for frontend in new["frontends"]:
        frontend["max_connections"] = min(MAX_CONNECTIONS, frontend.get("max_connections", MAX_CONNECTIONS))
        check = {**(frontend.get("check") or {})}
        if check.get("scheme", "https") == "https" and not check.get("insecure"):
            frontend["check"] = {**check, "ca_file": CA_FILE}
    if auth_pass_file(new):
        new["vrrp"]["auth_pass_file"] = AUTH_FILE
    return yaml.safe_dump(new, sort_keys=False, allow_unicode=True).encode()
